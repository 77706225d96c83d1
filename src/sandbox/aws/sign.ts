/** Signature Version 4 ("Create a signed AWS API request"): how a request proves by whom it was made. */
import { createHash, createHmac } from 'node:crypto'

/** The parts of a request that a signature covers. */
export interface Signable {
  method: string
  /** As it goes on the wire. */
  path: string
  /** Without the question mark. */
  query: string
  /** Those that are signed, by name in lower case. */
  headers: Record<string, string>
  /** SHA-256 of the body, hex. */
  payloadHash: string
}

/** What a signature is for: `20261102/eu-west-1/sts/aws4_request`. */
export interface SigningScope {
  date: string
  region: string
  service: string
}

export interface AwsCredential {
  access_key_id: string
  secret_access_key: string
  session_token: string
}

export const sha256 = (data: string) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()

/** The signature, hex. */
export function signature(secret: string, time: string, scope: SigningScope, request: Signable): string {
  const names = Object.keys(request.headers).toSorted()
  const canonical = [
    request.method,
    // S3 alone does not encode the path a second time.
    scope.service === 's3' ? request.path : request.path.split('/').map(encodeURIComponent).join('/'),
    request.query.split('&').toSorted().join('&'),
    ...names.map((name) => `${name}:${request.headers[name]!.trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    request.payloadHash,
  ].join('\n')
  const where = `${scope.date}/${scope.region}/${scope.service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, where, sha256(canonical)].join('\n')
  const key = [scope.date, scope.region, scope.service, 'aws4_request'].reduce(
    (secretSoFar: string | Buffer, part) => hmac(secretSoFar, part),
    `AWS4${secret}`,
  )
  return hmac(key as Buffer, text).toString('hex')
}

/** `20261102T090000Z` */
export const amzDate = (now: number) => new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '')

/** The headers with which a tool that holds `credential` would send the request. */
export function signedHeaders(
  credential: AwsCredential,
  request: { method: string; url: string; body?: string; service: string; region: string; now: number },
): Record<string, string> {
  const { pathname, search, host } = new URL(request.url)
  const payloadHash = sha256(request.body ?? '')
  const time = amzDate(request.now)
  const headers = {
    host,
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': time,
    'x-amz-security-token': credential.session_token,
  }
  const scope = { date: time.slice(0, 8), region: request.region, service: request.service }
  const made = signature(credential.secret_access_key, time, scope, {
    method: request.method,
    path: pathname,
    query: search.slice(1),
    headers,
    payloadHash,
  })
  const { host: _, ...sent } = headers
  const where = `${credential.access_key_id}/${scope.date}/${scope.region}/${scope.service}/aws4_request`
  const signed = Object.keys(headers).toSorted().join(';')
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${where}, SignedHeaders=${signed}, Signature=${made}`,
  }
}

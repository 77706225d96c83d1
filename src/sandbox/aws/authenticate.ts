/** Who sent a request, by its signature. */
import type { Context } from 'hono'
import type { Clock } from '../../base/clock.ts'
import { isSameSecret } from '../../base/same-secret.ts'
import type { Keys, Caller } from './keys.ts'
import { AwsRefusal } from './refusal.ts'
import type { AwsSettings } from './settings.ts'
import { sha256, signature } from './sign.ts'

const authorization =
  /^AWS4-HMAC-SHA256 Credential=(?<key>\w+)\/(?<date>\d{8})\/(?<region>[\w-]+)\/(?<service>[\w-]+)\/aws4_request, ?SignedHeaders=(?<signed>[\w;-]+), ?Signature=(?<given>[0-9a-f]{64})$/

/** Milliseconds. "In most cases, a request must reach AWS within five minutes of the time stamp in the request." */
const window = 300_000

/** @throws a refusal, with the codes of "Common errors" of the STS API reference */
export async function authenticate(
  c: Context,
  service: string,
  { regions, unheardFor }: AwsSettings,
  keys: Keys,
  clock: Clock,
): Promise<Caller> {
  const header = c.req.header('authorization')
  if (header === undefined)
    throw new AwsRefusal(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token')
  const {
    key = '',
    date = '',
    signed = '',
    given = '',
    region = '',
    ...scope
  } = authorization.exec(header)?.groups ?? {}
  const time = c.req.header('x-amz-date') ?? ''
  const names = signed.split(';')
  const required = [
    'host',
    'x-amz-date',
    ...(c.req.header('x-amz-security-token') ? ['x-amz-security-token'] : []),
  ]
  if (key === '' || !/^\d{8}T\d{6}Z$/.test(time) || !required.every((name) => names.includes(name)))
    throw new AwsRefusal(400, 'IncompleteSignature', 'Authorization header is not complete.')

  const caller = keys.find(key)
  const unheard = caller?.entry !== undefined && clock.now() < caller.entry.mintedAt + unheardFor
  if (!caller || unheard || caller.sessionToken !== c.req.header('x-amz-security-token'))
    throw new AwsRefusal(
      403,
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
    )
  const now = clock.now()
  if (caller.expiresAt !== undefined && caller.expiresAt <= now) {
    if (caller.entry) caller.entry.refusals += 1
    throw new AwsRefusal(403, 'ExpiredToken', 'The security token included in the request is expired')
  }

  const sentAt = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  const url = new URL(c.req.url)
  const payloadHash = sha256(await c.req.text())
  const headers = Object.fromEntries(names.map((name) => [name, c.req.header(name) ?? '']))
  const expected = signature(
    caller.secretAccessKey,
    time,
    { date, region, service },
    { method: c.req.method, path: url.pathname, query: url.search.slice(1), headers, payloadHash },
  )
  const fits =
    regions.includes(region) &&
    scope['service'] === service &&
    date === time.slice(0, 8) &&
    Math.abs(sentAt - now) <= window &&
    (c.req.header('x-amz-content-sha256') ?? payloadHash) === payloadHash &&
    isSameSecret(given, expected)
  if (!fits)
    throw new AwsRefusal(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match.')
  return caller
}

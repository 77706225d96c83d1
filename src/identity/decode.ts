import { BrokerError } from '../errors.ts'
import { JsonFault, parseJson } from '../json.ts'

/** UTF-16 units, before anything is parsed. */
const tokenLimit = 16 * 1024

/** A token taken apart. Nothing in it is verified. */
export interface Decoded {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** What the signature is over: `HEADER.PAYLOAD` as sent. */
  signingInput: string
}

/**
 * Takes a JWS in compact serialisation (RFC 7515 §7.1) apart, and refuses every
 * token that two readers could read differently.
 *
 * @throws BrokerError `invalid_token`
 */
export function decode(token: string): Decoded {
  if (token.length > tokenLimit) throw malformed(`is longer than ${tokenLimit} bytes`)
  // Found by index: splitting at every dot lets a token of dots eat memory (CVE-2025-66506).
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 0 || second < 0 || token.includes('.', second + 1))
    throw malformed('is not made of three parts')
  const header = decodePart(token.slice(0, first), 'header')
  const payload = decodePart(token.slice(first + 1, second), 'payload')
  decodePart(token.slice(second + 1), 'signature')
  return {
    header: parseObject(header, 'header'),
    claims: parseObject(payload, 'payload'),
    signingInput: token.slice(0, second),
  }
}

/** Only the canonical spelling: padding and stray trailing bits decode too, and would make one token look like many. */
function decodePart(part: string, name: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw malformed(`has a ${name} that is not canonical base64url`)
  return bytes
}

function parseObject(bytes: Buffer, name: string): Record<string, unknown> {
  let value: unknown
  try {
    // The byte order mark is kept, so that it is refused as jose does not.
    value = parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    throw malformed(`has a ${name} that ${error instanceof JsonFault ? error.message : 'is not UTF-8'}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(`has a ${name} that is not a JSON object`)
  return value as Record<string, unknown>
}

function malformed(what: string): BrokerError {
  return new BrokerError('invalid_token', `the token ${what}`)
}

import { BrokerError } from '../base/errors.ts'
import { JsonFault, outsideStrings, parseJson } from '../base/json.ts'

/** UTF-16 units, before anything is parsed. */
const tokenLimit = 16 * 1024

/** A token taken apart. Nothing in it is verified. */
export interface Decoded {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** What the signature is over: `HEADER.PAYLOAD` as sent. */
  signingInput: string
  signature: Buffer
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
  const signature = decodePart(token.slice(second + 1), 'signature')
  return {
    header: parseObject(header, 'header'),
    claims: parseObject(payload, 'payload', parseClaims),
    signingInput: token.slice(0, second),
    signature,
  }
}

/** Only the canonical spelling: padding and stray trailing bits decode too, and would make one token look like many. */
function decodePart(part: string, name: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw malformed(`has a ${name} that is not canonical base64url`)
  return bytes
}

/** The byte order mark is kept, so that it is refused as jose does not. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseObject(
  bytes: Buffer,
  name: string,
  parse: (text: string) => unknown = parseJson,
): Record<string, unknown> {
  let value: unknown
  try {
    value = parse(utf8.decode(bytes))
  } catch (error) {
    throw malformed(`has a ${name} that ${error instanceof JsonFault ? error.message : 'is not UTF-8'}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(`has a ${name} that is not a JSON object`)
  return value as Record<string, unknown>
}

/**
 * As JSON, but a number that JavaScript would round stands as its text: rounded, the id
 * 9007199254740993 is somebody else's. Rules and policies compare the texts of claims.
 *
 * @throws JsonFault
 */
export function parseClaims(text: string): unknown {
  const exact =
    !text.includes('\\') && !/\d{16}|[.eE]/.test(outsideStrings(text).replaceAll(/true|false/g, ''))
  return exact
    ? parseJson(text)
    : parseJson(text, (source) => (isExact(Number(source), source) ? Number(source) : source))
}

function isExact(value: number, source: string): boolean {
  return (
    (Number.isSafeInteger(value) || !Number.isInteger(value)) && decimal(source) === decimal(String(value))
  )
}

/** One spelling for each decimal number: its significant digits and the power of ten that they stand at. */
function decimal(text: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return /\d/.test(whole) ? '0' : text
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}

function malformed(what: string): BrokerError {
  return new BrokerError('invalid_token', `the token ${what}`)
}

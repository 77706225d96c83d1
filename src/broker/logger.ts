/** The operator's log: one JSON object a line. */
import { type DestinationStream, type Logger, pino } from 'pino'
import { visibleJson } from '../base/text.ts'

/**
 * What the secrets of each provider look like, and Mayfly's own. A last net: nothing of the
 * kind should get as far as a log call. Not in the providers' modules, which most of the
 * command line, whose words go through it too, never loads.
 */
export const secretShapes = {
  mayfly: /mf[td]_[A-Za-z0-9_-]{20,}/,
  github: /gh[a-z]_[A-Za-z0-9._-]{20,}|github_pat_\w{20,}/,
  aws: /(?:A3T|ASIA|AKIA)[A-Z0-9]{13,}|(?:IQoJb3JpZ2lu|F[Qw]oGZXIvYXdz)[A-Za-z0-9+/=]{20,}/,
  vault: /hv[sbr]\.[A-Za-z0-9_-]{20,}|s\.[A-Za-z0-9]{24,}/,
  jwt: /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9._-]+/,
}

const tokens = Object.values(secretShapes).map(({ source }) => source)
const secrets = new RegExp(String.raw`\b(?:${tokens.join('|')})|-----BEGIN[A-Z ]*PRIVATE KEY-----[^-]*`, 'g')

export function redact(text: string): string {
  return text.replaceAll(secrets, '[redacted]')
}

/** Only what is known to be harmless: libraries hang requests, headers and answers on their errors. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: describe(error.cause) }),
  }
}

export function createLogger(destination: DestinationStream = process.stdout): Logger {
  return pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describe },
      hooks: { streamWrite: (line) => visibleJson(redact(line)) },
    },
    destination,
  )
}

/** How a command says that it did not do what it was asked to. */
import { BrokerProblem, BrokerUnreachable } from '../client/client.ts'
import { NoIdentity } from '../client/identity.ts'
import { NotBootstrapped } from '../client/login/bootstrap.ts'
import { UnsafeFile } from '../client/login/files.ts'
import { remedyFor } from '../client/remedies.ts'
import { type ErrorCode, isBrokerError } from '../base/errors.ts'
import { type Fault, sayFault } from '../base/fault.ts'
import { OtherSealKey } from '../base/seal.ts'
import { redact } from '../broker/logger.ts'
import { jsonLine, oneLine } from './print.ts'

/** A failure of the command's own, not the broker's. */
export type LocalCode =
  | 'configuration'
  | 'no_identity'
  | 'unreachable'
  | 'not_intact'
  | 'not_revoked'
  | 'not_contained'
  | 'not_confirmed'
  | 'awaits_approval'
  | 'failed'

export class Failure extends Error {
  readonly code: LocalCode
  /** What to do about it, one line. */
  readonly remedy: string
  /** Further members of the answer under `--json`. */
  readonly facts: Record<string, unknown>
  /** What there is to say without it: each a part of the one line of what happened. */
  readonly particulars: readonly string[]

  constructor(
    code: LocalCode,
    message: string,
    remedy: string,
    more: { facts?: Record<string, unknown>; particulars?: readonly string[] } = {},
  ) {
    super(message)
    this.name = 'Failure'
    this.code = code
    this.remedy = remedy
    this.facts = more.facts ?? {}
    this.particulars = more.particulars ?? []
  }
}

/** A configuration with which nothing can be done. `faults` holds its warnings too. */
export class FaultyConfiguration extends Failure {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super('configuration', 'the configuration has faults', 'Correct them.', { facts: { faults } })
    this.faults = faults
  }
}

/** Tells stderr what happened and what to do, or with `json` the same as one JSON object. Returns the exit status. */
export function report(error: unknown, json: boolean): 1 {
  const { code, message, remedy, facts, particulars } = asFailure(error)
  if (json) tell([jsonLine({ code, detail: message, remedy, ...facts })])
  else if (error instanceof FaultyConfiguration) tell(error.faults.flatMap(faultLines))
  else {
    const what = code === 'failed' ? message : `${code}: ${message}`
    tell([
      `mayfly: ${[what, particulars.join('; ')].filter((part) => part !== '').join(': ')}`,
      `  ${remedy}`,
    ])
  }
  return 1
}

/** The same for a command that was not understood: to readers that has been said already. */
export function reportMisuse(message: string, json: boolean): 2 {
  const detail = message.replace(/^error: /, '').replaceAll(/\s+/g, ' ')
  if (json) tell([jsonLine({ code: 'usage', detail, remedy: misuseRemedy })])
  return 2
}

/** What to do about a command that was not understood. */
export const misuseRemedy = 'Run the command with --help to see what it takes.'

/** For a reader, on stderr. */
export function tell(lines: readonly string[]): void {
  process.stderr.write(`${redact(lines.map(oneLine).join('\n'))}\n`)
}

/** What is wrong where, and what to do. */
export function faultLines(fault: Fault): string[] {
  return [`${fault.warning ? 'warning: ' : ''}${sayFault(fault)}`, `  ${fault.remedy}`]
}

interface Told {
  code: LocalCode | ErrorCode
  message: string
  remedy: string
  facts: Record<string, unknown>
  particulars: readonly string[]
}

function asFailure(error: unknown): Told {
  if (error instanceof Failure) return error
  if (error instanceof BrokerProblem) return asRefusal(error)
  if (isBrokerError(error)) {
    const { code, message } = error
    return { code, message, remedy: remedyFor(code), facts: {}, particulars: [] }
  }
  if (error instanceof NoIdentity) return new Failure('no_identity', error.message, error.remedy)
  if (error instanceof UnsafeFile || error instanceof NotBootstrapped)
    return new Failure('failed', error.message, error.remedy)
  if (error instanceof OtherSealKey) return new Failure('failed', error.message, error.remedy)
  if (error instanceof BrokerUnreachable) return new Failure('unreachable', error.message, error.remedy)
  const message = error instanceof Error ? error.message : String(error)
  return new Failure('failed', message, 'Correct what it names; `--help` tells what the command takes.')
}

function asRefusal({ status, code, detail, denials, retryAfter, requestId, remedy }: BrokerProblem): Told {
  return {
    code,
    message: detail,
    remedy,
    facts: {
      status,
      ...(denials.length > 0 && { denials }),
      ...(retryAfter !== undefined && { retry_after: retryAfter }),
      ...(requestId !== undefined && { request_id: requestId }),
    },
    particulars: denials.map(({ action, resource, policies, descriptions = {} }) => {
      const named = policies.map((id) =>
        Object.hasOwn(descriptions, id) ? `${id}: ${descriptions[id]}` : id,
      )
      const why = named.length > 0 ? `forbidden by ${named.join('; ')}` : 'no policy permits it'
      return `${action} on ${resource} (${why})`
    }),
  }
}

/** What the tools answer: for programs and for a model, and never a secret. */
import type { CallToolResult } from '@modelcontextprotocol/server'
import { BrokerProblem, BrokerUnreachable, type Task } from '../client.ts'
import { NoIdentity } from '../identity.ts'
import { NoSuchAccess, TooManyAccesses } from './accesses.ts'

/** What was asked for is no scope. */
export class NotAScope extends Error {}

/** `text` for a model, with `value` behind it. */
export function result(value: object, text: string, redact: (text: string) => string): CallToolResult {
  const clean = cleaned(value, redact) as Record<string, unknown>
  const json = JSON.stringify(clean)
  return {
    content: [{ type: 'text', text: text === '' ? json : `${redact(text)}\n\n${json}` }],
    structuredContent: clean,
  }
}

/** What was refused or went wrong, and what to do. */
export function failure(error: unknown, redact: (text: string) => string): CallToolResult {
  const { code, detail, remedy, ...facts } = told(error)
  return {
    ...result({ code, detail, remedy, ...facts }, `${code}: ${detail}\n${remedy}`, redact),
    isError: true,
  }
}

interface Told {
  code: string
  detail: string
  remedy: string
}

function told(error: unknown): Told & Record<string, unknown> {
  if (error instanceof BrokerProblem) {
    const { code, detail, denials, retryAfter, requestId } = error
    return {
      code,
      detail,
      remedy: remedies[code] ?? error.remedy,
      ...(denials.length > 0 && { denials }),
      ...(retryAfter !== undefined && { retry_after: retryAfter }),
      ...(requestId !== undefined && { request_id: requestId }),
    }
  }
  if (error instanceof BrokerUnreachable)
    return { code: 'unreachable', detail: error.message, remedy: error.remedy }
  if (error instanceof NoIdentity) return { code: 'no_identity', detail: error.message, remedy: error.remedy }
  if (error instanceof NoSuchAccess)
    return { code: 'not_found', detail: error.message, remedy: 'Look at what is open with status.' }
  if (error instanceof NotAScope)
    return {
      code: 'invalid_request',
      detail: error.message,
      remedy: 'Write it as github:acme/web:contents=write.',
    }
  if (error instanceof TooManyAccesses)
    return { code: 'limit_exceeded', detail: error.message, remedy: 'Give back what is not needed.' }
  return {
    code: 'failed',
    detail: error instanceof Error ? error.message : 'unknown error',
    remedy: 'Correct what it names.',
  }
}

/** Where a model has tools for it, in their names. */
const remedies: Partial<Record<BrokerProblem['code'], string>> = {
  policy_denied: 'Ask what_may_i_do about it: it says what would do.',
  out_of_scope: 'Ask for it with request_access.',
  task_not_active: 'Look with status: a task that is over stays so, and nothing more can be had in it.',
}

/** A task in words: what it may do, until when, and who decides. */
export function taskAnswer({ id, status, end_reason, purpose, expires_at, approvals, leases }: Task): string {
  const waiting = approvals.filter((approval) => approval.status === 'pending')
  const live = leases.filter((lease) => lease.status === 'active').length
  switch (status) {
    case 'active':
      return `${id} is active until ${expires_at}, with ${live} live credentials: ${purpose}\ngit uses it by itself; other programs get a credential with \`mayfly token --scope …\`.`
    case 'pending_approval':
      return [
        `${id} waits for approval: ${purpose}`,
        ...waiting.map(
          ({ group, id: approval, link, policies = [] }) =>
            `${group} decides on ${approval}${link === undefined ? '' : ` at ${link}`} until ${expires_at}${policies.map(({ id: policy, description }) => ` (${description ?? policy})`).join('')}.`,
        ),
        `Wait for it with status, access ${id}.`,
      ].join('\n')
    default:
      return `${id} is over: ${end_reason ?? status}.`
  }
}

function cleaned(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map((each) => cleaned(each, redact))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [redact(name), cleaned(member, redact)]),
  )
}

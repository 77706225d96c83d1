/** Tasks and leases in lines for a reader. */
import type { Lease, Task } from '../client/client.ts'
import { jsonLine } from './print.ts'

export function taskLines(task: Task): string[] {
  const { id, status, agent, owner, session, purpose, expires_at, ended_at, end_reason, approvals, leases } =
    task
  return [
    `${id} ${status}${end_reason ? ` (${end_reason})` : ''}`,
    `  agent    ${agent}, owned by ${owner}`,
    ...(session ? [`  session  ${sessionText(session)}`] : []),
    `  purpose  ${purpose}`,
    ...task.authorization_details.map((detail) => `  scope    ${detailText(detail)}`),
    ended_at ? `  ended    ${ended_at}` : `  until    ${expires_at}`,
    ...approvals
      .filter(({ by }) => by !== null)
      .map(({ group, status, by, at }) => `  ${status.padEnd(8)} by ${by} for ${group}, at ${at}`),
    ...approvals.filter(({ status: answer }) => answer === 'pending').flatMap(waitingLines),
    ...leases.map((lease) => `  ${leaseLine(lease)}`),
  ]
}

/** Whose yes is awaited, where it can be given, and which policies want it. */
function waitingLines({ group, id, link, policies = [] }: Task['approvals'][number]): string[] {
  return [
    `  awaits   the approval of ${group} (${id})`,
    ...(link === undefined ? [] : [`  at       ${link}`]),
    ...policies.map(policyLine),
  ]
}

/** That a task waits, for whoever looks on: lines for a person, or one object. */
export function awaiting({ id, approvals, expires_at }: Task, json: boolean): string[] {
  const waiting = approvals.filter(({ status }) => status === 'pending')
  const groups = waiting.map(({ group }) => group).join(', ')
  const detail = `${id} waits for the approval of ${groups}, until ${expires_at}`
  if (json) return [jsonLine({ code: 'awaits_approval', detail, task: id, approvals })]
  return [`mayfly: ${detail}`, ...waiting.flatMap(waitingLines)]
}

/** A policy that asks, and in the words of who wrote it why. */
export function policyLine({
  id,
  description,
}: NonNullable<Task['approvals'][number]['policies']>[number]): string {
  return `  policy   ${id}${description === null ? '' : `: ${description}`}`
}

export function leaseLine({
  id,
  status,
  authorization_detail,
  revocation,
  deadline,
  evidence,
  fingerprint,
}: Lease): string {
  const facts = [
    detailText(authorization_detail),
    status === 'active' ? `until ${deadline}, revocation ${revocation}` : undefined,
    fingerprint ? `fingerprint ${fingerprint}` : undefined,
    evidence ? `found ${evidence.result}: ${evidence.method}` : undefined,
  ]
  return `${id} ${status}: ${facts.filter((fact) => fact !== undefined).join('; ')}`
}

/** Which run or session it is: `run_id 123, run_attempt 1`. */
export function sessionText({ claims }: NonNullable<Task['session']>): string {
  return Object.entries(claims)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

function detailText({ type, ...rest }: Lease['authorization_detail']): string {
  return `${type} ${JSON.stringify(rest)}`
}

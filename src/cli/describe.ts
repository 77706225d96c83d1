/** Tasks and leases in lines for a reader. */
import type { Lease, Task } from '../client/client.ts'

export function taskLines(task: Task): string[] {
  const { id, status, agent, owner, session, purpose, expires_at, ended_at, end_reason, approvals, leases } =
    task
  const waiting = approvals.filter((approval) => approval.status === 'pending').map(({ group }) => group)
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
    ...(waiting.length > 0 ? [`  awaits   the approval of ${waiting.join(', ')}`] : []),
    ...leases.map((lease) => `  ${leaseLine(lease)}`),
  ]
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

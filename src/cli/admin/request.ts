/** A request as an approver sees it. */
import type { ApprovalRequest } from '../../client/client.ts'
import { visible } from '../../base/text.ts'
import { policyLine, sessionText } from '../describe.ts'
import { duration } from '../print.ts'

/** All of it, line by line. What the caller chose stands in quotes, so that it cannot pass for ours. */
export function requestLines(asked: ApprovalRequest): string[] {
  const { id, group, digest, request, task, created_at, policies = [], waited, status } = asked
  const { agent, issuer, subject, purpose, scope, ttl, context, parent, groups } = request
  const until = status === 'pending' ? `, until ${task.expires_at}` : ''
  return [
    `${id} asks for the yes of ${group}`,
    ...policies.map((policy) => visible(policyLine(policy))),
    `  waiting  ${waited === null ? '' : `for ${duration(waited)}, `}since ${created_at}${until}`,
    `  task     ${request.task}${parent === null ? '' : `, a child of ${parent}`}`,
    `  agent    ${agent}, owned by ${visible(task.owner)}`,
    `  identity ${visible(subject)} of ${visible(issuer)}`,
    ...(task.session ? [`  session  ${visible(sessionText(task.session))}`] : []),
    `  purpose  ${quoted(purpose)}, in its own words`,
    ...scope.map(
      ({ provider, connection, detail }) => `  scope    ${provider}/${connection} ${quoted(detail)}`,
    ),
    `  for      ${ttl} seconds from the last yes on`,
    ...Object.entries(context).map(
      ([key, value]) => `  context  ${quoted(key)} is ${quoted(value)}, in its own words`,
    ),
    `  needs    ${groups.join(', ')}`,
    `  digest   ${digest}`,
  ]
}

function quoted(value: unknown): string {
  return visible(JSON.stringify(value))
}

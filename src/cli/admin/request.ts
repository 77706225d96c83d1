/** A request as an approver sees it. */
import type { ApprovalRequest } from '../../client/client.ts'
import { visible } from '../../base/text.ts'
import { sessionText } from '../describe.ts'

/** All of it, line by line. What the caller chose stands in quotes, so that it cannot pass for ours. */
export function requestLines({ id, group, digest, request, task, created_at }: ApprovalRequest): string[] {
  const { agent, issuer, subject, purpose, scope, ttl, context, parent, groups } = request
  return [
    `${id} asks for the yes of ${group}, since ${created_at}`,
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

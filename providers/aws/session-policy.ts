/** What a session may do at most: its session policy only ever narrows what the role may (IAM, "Session policies"). */

/** STS API reference, AssumeRole, Policy: characters of plain text. */
export const longestSessionPolicy = 2048

/**
 * What no session may do, whatever its role may: go on as another session, out of
 * reach of its own revocation; get a token that outlives it; or undo its
 * revocation, for which it would have the time until that is in force everywhere.
 */
const always = {
  Effect: 'Deny',
  Action: ['sts:AssumeRole*', 'sts:AssumeRoot', 'sts:GetWebIdentityToken', 'iam:*'],
  Resource: '*',
}

/** The text of the policy for `actions` on `resources`, or for all that the role may. */
export function sessionPolicy(asked: { actions?: string[]; resources?: string[] }): string {
  const { actions = '*', resources = '*' } = asked
  const allowed = { Effect: 'Allow', Action: actions, Resource: resources }
  return JSON.stringify({ Version: '2012-10-17', Statement: [allowed, always] })
}

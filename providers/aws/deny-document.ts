/**
 * The inline policy by which a role refuses single sessions (IAM, "Revoke IAM role
 * temporary security credentials", and "AWS global condition context keys").
 */

/** What a role refuses. */
export interface Denials {
  /** Values of `aws:userid`: `AROA…:lease_…`, or `*:lease_…` where the role's unique id is not known. */
  sessions: ReadonlySet<string>
  /** Every session issued before this, milliseconds since 1970 and whole seconds. */
  issuedBefore: number | undefined
}

export const nobody: Denials = { sessions: new Set(), issuedBefore: undefined }

type Condition = Record<string, Record<string, string | string[]>>

const byUserId = (operator: string, ids: string[]): Condition[] =>
  ids.length > 0 ? [{ [operator]: { 'aws:userid': ids } }] : []

const isPattern = (id: string) => /[*?]/.test(id)

/** One value or a list: IAM takes either wherever it takes a list. */
const listed = (values: unknown) => [values].flat().map(String)

/** The policy's text, without blanks: only what is not blank counts towards IAM's quota. */
export function render({ sessions, issuedBefore }: Denials): string {
  const ids = [...sessions].toSorted()
  const conditions: Condition[] = [
    ...byUserId(
      'StringEquals',
      ids.filter((id) => !isPattern(id)),
    ),
    ...byUserId('StringLike', ids.filter(isPattern)),
    ...(issuedBefore === undefined
      ? []
      : [
          {
            DateLessThan: {
              'aws:TokenIssueTime': new Date(issuedBefore).toISOString().replace('.000Z', 'Z'),
            },
          },
        ]),
  ]
  const statements = conditions.map((Condition) => ({
    Effect: 'Deny',
    Action: '*',
    Resource: '*',
    Condition,
  }))
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}

/** Reads a policy back. What `render` did not write is not read: the policy is the broker's own, and is written anew. */
export function parse(text: string | undefined): Denials {
  const sessions = new Set<string>()
  let issuedBefore: number | undefined
  for (const { Effect, Action, Resource, Condition = {} } of statementsIn(text)) {
    const [[operator, operands] = [], another] = Object.entries(Condition)
    // Two conditions must both hold, which denies less than either.
    if (Effect !== 'Deny' || !operands || another) continue
    if (!listed(Action).includes('*') || !listed(Resource).includes('*')) continue
    const [[key, values] = [], otherKey] = Object.entries(operands)
    if (values === undefined || otherKey) continue
    if (key === 'aws:userid' && (operator === 'StringEquals' || operator === 'StringLike'))
      for (const id of listed(values))
        // Without a wildcard both mean the same; as text, one is in no `aws:userid`.
        if (operator === 'StringLike' || !isPattern(id)) sessions.add(id)
    const at = key === 'aws:TokenIssueTime' && operator === 'DateLessThan' ? Date.parse(String(values)) : NaN
    if (!Number.isNaN(at)) issuedBefore = Math.max(issuedBefore ?? 0, at)
  }
  return { sessions, issuedBefore }
}

interface Statement {
  Effect?: unknown
  Action?: unknown
  Resource?: unknown
  Condition?: Condition
}

function statementsIn(text: string | undefined): Statement[] {
  try {
    const { Statement: found } = JSON.parse(text ?? '{}') as { Statement?: unknown }
    return [found].flat().filter((each): each is Statement => typeof each === 'object' && each !== null)
  } catch {
    return []
  }
}

export function sameDenials(one: Denials, other: Denials): boolean {
  return (
    one.issuedBefore === other.issuedBefore &&
    one.sessions.size === other.sessions.size &&
    [...one.sessions].every((id) => other.sessions.has(id))
  )
}

/** How a session is denied, if it is: by itself, or with every session of the role that is as old. */
export function denialOf(
  { sessions, issuedBefore }: Denials,
  { userId, issuedAt }: { userId: string; issuedAt: number },
): 'session' | 'role' | undefined {
  if (sessions.has(userId)) return 'session'
  return issuedBefore !== undefined && issuedAt < issuedBefore ? 'role' : undefined
}

/** What a session may do at most: its session policy only ever narrows what the role may (IAM, "Session policies"). */
import { alwaysDenied, vendingActions, type VendingAction } from './vending.ts'

/** STS API reference, AssumeRole, Policy: characters of plain text. */
export const longestSessionPolicy = 2048

/** What the policy depends on beside what is asked. */
interface Bounds {
  /** By AWS's clock, milliseconds since 1970: from the next second on the session may do nothing, whatever was made of it. */
  end: number
  /** What of `vendingActions` the role's sessions may do all the same. */
  vending?: readonly VendingAction[]
}

/** The text of the policy for `actions` on `resources`, or for all that the role may. */
export function sessionPolicy(
  asked: { actions?: string[]; resources?: string[] },
  { end, vending = [] }: Bounds,
): string {
  const { actions = '*', resources = '*' } = asked
  const denied = vendingWithin(asked.actions).filter((action) => !vending.includes(action))
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: actions, Resource: resources },
      { Effect: 'Deny', Action: [...alwaysDenied, ...denied], Resource: '*' },
      {
        Effect: 'Deny',
        Action: '*',
        Resource: '*',
        Condition: { DateGreaterThan: { 'aws:CurrentTime': wholeSeconds(end) } },
      },
    ],
  })
}

/** Characters of the longest policy that a session for this gets, whatever its role and its end. */
export function longestFor(asked: { actions?: string[]; resources?: string[] }): number {
  return sessionPolicy(asked, { end: 0 }).length
}

/** Of services that the narrowing does not name nothing is allowed to begin with: what is left fits more of it. */
function vendingWithin(actions: string[] | undefined): readonly VendingAction[] {
  if (actions === undefined) return vendingActions
  const services = new Set(actions.map(serviceOf))
  return vendingActions.filter((action) => services.has(serviceOf(action)))
}

function serviceOf(action: string): string {
  return action.split(':', 1)[0]!.toLowerCase()
}

/** Upwards, so that nothing ends before it is to. */
function wholeSeconds(at: number): string {
  return new Date(Math.ceil(at / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}

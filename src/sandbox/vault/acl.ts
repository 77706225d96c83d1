/** Who may do what at which path ("Policies", "Policy syntax" and "Priority matching"). */
import type { Capability, Policy } from './settings.ts'

/** What every token may do that has the policy `default`: the part of `DefaultPolicy` that is served here. */
const defaultPolicy: Policy = {
  'auth/token/lookup-self': ['read'],
  'auth/token/renew-self': ['update'],
  'auth/token/revoke-self': ['update'],
  'sys/capabilities-self': ['update'],
  'sys/leases/lookup': ['update'],
}

/**
 * What the policies named let be done at `path`. Rules of one pattern add up,
 * where `deny` beats all else; of several patterns only the most specific counts.
 */
export function capabilities(
  policies: Record<string, Policy>,
  names: string[],
  path: string,
): ReadonlySet<Capability> {
  if (names.includes('root'))
    return new Set<Capability>(['create', 'read', 'update', 'delete', 'list', 'sudo'])
  const known: Record<string, Policy> = { ...policies, default: defaultPolicy }
  const rules = names
    .flatMap((name) => Object.entries(known[name] ?? {}))
    .filter(([pattern]) => fits(pattern, path))
  const best = rules.map(([pattern]) => pattern).reduce((a, b) => (yields(a, b) ? b : a), '')
  const granted = new Set(rules.flatMap(([pattern, given]) => (pattern === best ? given : [])))
  return granted.has('deny') ? new Set() : granted
}

function fits(pattern: string, path: string): boolean {
  const rest = pattern.endsWith('*')
  const text = (rest ? pattern.slice(0, -1) : pattern)
    .split('/')
    .map((segment) => (segment === '+' ? '[^/]+' : segment.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')))
    .join('/')
  return new RegExp(`^${text}${rest ? '' : '$'}`, 's').test(path)
}

/** Whether `a` is the less specific of two patterns that both fit. */
function yields(a: string, b: string): boolean {
  if (a === '') return true
  const wildcard = (pattern: string) => /(?<=^|\/)\+(?=\/|$)|\*$/.exec(pattern)?.index ?? Infinity
  const order = [
    wildcard(a) - wildcard(b) || 0,
    Number(b.endsWith('*')) - Number(a.endsWith('*')),
    b.split('+').length - a.split('+').length,
    a.length - b.length,
  ].find((difference) => difference !== 0)
  return order === undefined ? a < b : order < 0
}

/** As an operator would have written it ("Policy syntax"). */
export function hclOf(policy: Policy): string {
  return Object.entries(policy)
    .map(([path, given]) => `path ${JSON.stringify(path)} {\n  capabilities = ${JSON.stringify(given)}\n}\n`)
    .join('\n')
}

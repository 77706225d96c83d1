/** Claims as texts, wherever in the token they stand. */
import type { Principal } from './principal.ts'

type Claims = Principal['claims']

/**
 * Every scalar in `claims`: its name, which is a JSON Pointer (RFC 6901) where it stands
 * below the top, and its text. Each element of a list has the name of the list.
 */
export function claimTexts(claims: Claims): [name: string, text: string][] {
  return Object.entries(claims).flatMap(([name, value]) => textsIn(name, `/${escaped(name)}`, value))
}

/** The text of the one scalar of this name. Undefined for what is absent, a list or an object. */
export function claimText(claims: Claims, name: string): string | undefined {
  return scalarText(claimAt(claims, name))
}

/** What stands in `claims` under a name or, where that begins with `/`, where the JSON Pointer points to. */
export function claimAt(claims: Claims, name: string): unknown {
  if (name.startsWith('/')) return pointedAt(claims, name)
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

/** The JSON Pointer of what stands below these names. */
export function pointer(steps: readonly string[]): string {
  return steps.map((step) => `/${escaped(step)}`).join('')
}

function textsIn(name: string, pointer: string, value: unknown): [string, string][] {
  const text = scalarText(value)
  if (text !== undefined) return [[name, text]]
  if (Array.isArray(value))
    return value.map(scalarText).flatMap((element) => (element === undefined ? [] : [[name, element]]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const below = `${pointer}/${escaped(key)}`
    return textsIn(below, below, member)
  })
}

function scalarText(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined
}

function pointedAt(claims: Claims, pointer: string): unknown {
  const steps = pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return steps.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string, unknown>)[step]
        : undefined,
    claims,
  )
}

function escaped(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1')
}

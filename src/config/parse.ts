/** What a schema refuses, as faults that say where, what, and what to do. No value is repeated: it may be a secret. */
import type { ZodType } from 'zod'
import type { Fault } from '../base/fault.ts'
import { closest } from '../base/closest.ts'
import { keysAt, leaves, type Issue } from '../base/issues.ts'

export type Path = readonly PropertyKey[]

/** `issuers.github-actions.audience`, `match[0].subject`. */
export function dotted(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}

/**
 * Parses `data`, or says everything that is wrong with it. `at` is where it
 * stands in `file`; `also` are keys of its own that the caller took out before.
 */
export function parse<T>(
  schema: ZodType<T>,
  data: unknown,
  place: { file: string; at?: Path; faults: Fault[]; also?: readonly string[] },
): T | undefined {
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  const { file, at = [], faults, also = [] } = place
  for (const { issue, path } of leaves(parsed.error.issues, []))
    for (const { step, message, remedy } of explain(issue, path, { schema, data, also }))
      faults.push({ file, path: dotted([...at, ...path, ...step]), message, remedy })
  return undefined
}

/**
 * What `data` is once all that `schema` refuses is left out, for what can be said of the rest
 * of it in the same round; undefined where too little remains. What is not faulty is as it is.
 */
export function salvage<T>(schema: ZodType<T>, data: unknown): T | undefined {
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined
  const faulty = new Set(
    parsed.error.issues.flatMap((issue): PropertyKey[] =>
      issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : issue.path.slice(0, 1),
    ),
  )
  const rest = Object.fromEntries(Object.entries(data).filter(([key]) => !faulty.has(key)))
  return schema.safeParse(rest).data
}

interface Explanation {
  /** Below the issue's own path. */
  step: Path
  message: string
  remedy: string
}

function explain(
  issue: Issue,
  path: Path,
  { schema, data, also }: { schema: ZodType; data: unknown; also: readonly string[] },
): Explanation[] {
  if (issue.code === 'unrecognized_keys') {
    const known = [...keysAt(schema, path), ...(path.length === 0 ? also : [])]
    return issue.keys.map((key) => ({
      step: [key],
      // A key that is known stands beside one that excludes it: `{ file, env }`.
      ...(known.includes(key)
        ? { message: 'does not go with the keys beside it', remedy: `Keep one of ${known.join(', ')}.` }
        : { message: 'is not a known key', remedy: meant(key, known) }),
    }))
  }
  const expected = expectedTypes(issue)
  if (expected.length > 0) return [{ step: [], ...otherType(valueAt(data, path), expected) }]
  return [{ step: [], message: sentence(issue.message), remedy: remedy(issue) }]
}

function expectedTypes(issue: Issue): string[] {
  if (issue.code === 'invalid_type') return [issue.expected]
  if (issue.code === 'invalid_union') return [...new Set(issue.errors.flat().flatMap(expectedTypes))]
  return []
}

const typeNames: Record<string, string> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  int: 'an integer',
}

function otherType(value: unknown, expected: string[]): { message: string; remedy: string } {
  const wanted = [...new Set(expected.map((type) => typeNames[type] ?? `a ${type}`))].join(' or ')
  if (value === undefined) return { message: 'is missing', remedy: `Add it: ${wanted}.` }
  if (value === null) return { message: 'is empty', remedy: `Give it a value, ${wanted}, or remove the key.` }
  const found = Array.isArray(value) ? 'a list' : (typeNames[typeof value] ?? `a ${typeof value}`)
  return {
    message: `is ${found}, not ${wanted}`,
    remedy:
      wanted === 'a map' && typeof value === 'string'
        ? 'Write a map. A secret is { file: PATH } or { env: NAME }, never the secret itself.'
        : `Write ${wanted}.`,
  }
}

function remedy(issue: Issue): string {
  switch (issue.code) {
    case 'custom': {
      const own: unknown = issue.params?.['remedy']
      return typeof own === 'string' ? own : 'Correct the value.'
    }
    case 'invalid_value':
      return `Write one of ${issue.values.map(String).join(', ')}.`
    case 'too_small':
      return `Write ${amount(issue.origin)} ${issue.inclusive === false ? `more than ${issue.minimum}` : `${issue.minimum} or more`}.`
    case 'too_big':
      return `Write ${amount(issue.origin)} ${issue.maximum} or less.`
    case 'invalid_format':
      return issue.format === 'date'
        ? 'Write a date of the calendar as YYYY-MM-DD.'
        : 'Write it in that form.'
    default:
      return 'Correct the value.'
  }
}

function amount(origin: string): string {
  if (origin === 'string') return 'text of length'
  return origin === 'array' || origin === 'set' ? 'a list of length' : 'a number,'
}

/** The library's own messages begin with a category. */
function sentence(message: string): string {
  const text = message.replace(/^(?:Invalid input|Invalid option|Too small|Too big): /, '')
  return text.split('\n', 1)[0]!
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Record<PropertyKey, unknown>)[step]
        : undefined,
    data,
  )
}

/** A remedy for a name that is not among `known`. */
export function meant(written: string, known: readonly string[]): string {
  const near = closest(written, known)
  if (near !== undefined) return `Did you mean \`${near}\`?`
  return known.length === 0 ? 'Remove it.' : `Known here: ${known.join(', ')}.`
}

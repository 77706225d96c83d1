/** What a schema refuses: each issue by itself, and all of them in words for a caller. */
import { z, type ZodError } from 'zod'
import { closest } from './closest.ts'

export type Issue = z.core.$ZodIssue

type Path = readonly PropertyKey[]

/** A union's complaint is that of the member that was most likely meant: the fewest faults, and not of another type altogether. */
export function* leaves(issues: readonly Issue[], base: Path): Generator<{ issue: Issue; path: Path }> {
  for (const issue of issues) {
    const path = [...base, ...issue.path]
    const nested =
      issue.code === 'invalid_union'
        ? issue.errors
            .filter((member) => !member.some(isOtherType))
            .toSorted((a, b) => a.length - b.length)
            .at(0)
        : issue.code === 'invalid_key' || issue.code === 'invalid_element'
          ? issue.issues
          : undefined
    if (nested) yield* leaves(nested, path)
    else yield { issue, path }
  }
}

function isOtherType(issue: Issue): boolean {
  if (issue.path.length > 0) return false
  return issue.code === 'invalid_union'
    ? issue.errors.every((member) => member.some(isOtherType))
    : issue.code === 'invalid_type'
}

/** The keys that `schema` knows at `path`, through whatever wraps the objects. */
export function keysAt(schema: unknown, path: Path): string[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => keysAt(option, path))
  if (schema instanceof z.ZodPipe) return keysAt(schema.in, path)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return keysAt(schema.unwrap(), path)
  const [step, ...rest] = path
  if (schema instanceof z.ZodObject) {
    const shape: Record<string, unknown> = schema.shape
    return step === undefined ? Object.keys(shape) : keysAt(shape[String(step)], rest)
  }
  if (step === undefined) return []
  if (schema instanceof z.ZodArray) return keysAt(schema.element, rest)
  if (schema instanceof z.ZodRecord) return keysAt(schema.valueType, rest)
  return []
}

/** Each thing that is wrong, with where it is: `authorization_details.0.repositories: name at least one`. */
export function faultTexts(error: ZodError, at: Path = []): string[] {
  return [...leaves(error.issues, [])].map(({ issue, path }) => {
    const place = [...at, ...path].map(String).join('.')
    return place === '' ? plain(issue.message) : `${place}: ${plain(issue.message)}`
  })
}

/** The most faults that one answer tells of. */
const most = 20

/** All of them as one text. */
export function inOneText(faults: readonly string[]): string {
  const more = faults.length > most ? [`and ${faults.length - most} more`] : []
  return [...faults.slice(0, most), ...more].join('; ')
}

/** An object of these members and no others. Of one that is not known it says which may have been meant. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? unknownMembers(issue.keys as string[], Object.keys(shape))
        : undefined,
  })
}

function unknownMembers(keys: readonly string[], known: readonly string[]): string {
  return keys
    .map((key) => `${JSON.stringify(key.slice(0, 64))} is not known here${didYouMean(key, known)}`)
    .join(', ')
}

/** What may have been meant by a name that there is not, as the end of a sentence. */
export function didYouMean(written: string, known: Iterable<string>): string {
  const near = closest(written, known)
  return near === undefined ? '' : `; did you mean ${near}?`
}

/** The library's own messages begin with a category. */
function plain(message: string): string {
  return message
    .replace(/^Invalid input: expected .*, received undefined$/, 'is missing')
    .replace(/^(?:Invalid input|Invalid option|Too small|Too big): /, '')
}

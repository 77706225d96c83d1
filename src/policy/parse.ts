/** From the text of a policy file to single policies. */
import { policySetTextToParts, policyToJson, type PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Fault } from '../base/fault.ts'
import { tooDeepAt } from './nesting.ts'
import { remedyFrom } from './remedy.ts'

/** An annotation as it is shown: written over several lines, it is one. */
export function lineOf(annotation: string): string {
  return annotation.replaceAll(/\s+/g, ' ').trim()
}

/** A place in a text; both from 1. */
export interface Place {
  line: number
  column: number
}

/** One policy of a file. */
export interface ParsedPolicy {
  file: string
  /** Where it is for a reader: its `@id`, or `line 7` where it has none. */
  path: string
  /** Where it begins. */
  place: Place
  /** Its `@id`, or undefined where that is absent or empty. */
  id: string | undefined
  text: string
  json: PolicyJson
}

/** Where in its file a part of a policy stands: at a byte of its text, as Cedar counts, or where `words` first do. */
export function placeIn({ place, text }: ParsedPolicy, at: number | string): Place {
  const before = typeof at === 'number' ? textBefore(text, at) : text.slice(0, Math.max(0, text.indexOf(at)))
  return after(place, before)
}

/** Cedar counts positions in bytes of UTF-8. */
function textBefore(text: string, byte: number): string {
  return Buffer.from(text).subarray(0, byte).toString()
}

/** The place that one comes to by reading `text` from another. */
function after({ line, column }: Place, text: string): Place {
  const lines = text.split('\n')
  const last = lines.at(-1)!.length
  return lines.length === 1
    ? { line, column: column + last }
    : { line: line + lines.length - 1, column: last + 1 }
}

const start: Place = { line: 1, column: 1 }

/** The policies of one file, and what in it is not a static policy. */
export function parsePolicies(file: string, text: string): { policies: ParsedPolicy[]; faults: Fault[] } {
  const deep = tooDeepAt(text)
  if (deep !== undefined) {
    const fault = {
      file,
      ...named(after(start, textBefore(text, deep))),
      message: 'the policy is nested too deeply to be evaluated safely',
      remedy: 'Write several policies, or a set and contains instead of many comparisons.',
    }
    return { policies: [], faults: [fault] }
  }
  const whole = partsOf(file, text, start)
  if (whole.faults.length === 0 || whole.policies.length > 0) return whole
  // One that is no policy hides what is wrong with the others of its file.
  const each = statements(text).map(({ before, statement }) => partsOf(file, statement, after(start, before)))
  const faults = each.flatMap((part) => part.faults)
  return faults.length === 0 ? whole : { policies: each.flatMap(({ policies }) => policies), faults }
}

/** What of `text`, which begins at `from`, are policies; none if any of it does not parse. */
function partsOf(file: string, text: string, from: Place): { policies: ParsedPolicy[]; faults: Fault[] } {
  const parts = policySetTextToParts(text)
  if (parts.type === 'failure') {
    const faults = parts.errors
      .flatMap((error) => [error, ...(error.related ?? [])])
      .map(({ message, help, sourceLocations }) => {
        const [place] = sourceLocations ?? []
        return {
          file,
          ...(place ? named(after(from, textBefore(text, place.start))) : { path: '' }),
          message: place?.label ? `${message} (${place.label})` : message,
          remedy: remedyFrom(help, 'Correct the syntax of the policy.'),
        }
      })
    return { policies: [], faults }
  }

  const places = partPlaces(text, [...parts.policies, ...parts.policy_templates], from)
  const faults = parts.policy_templates.map((_, at) => ({
    file,
    ...named(places[parts.policies.length + at] ?? from),
    message: 'this is a template',
    remedy: 'Name an entity instead of ?principal or ?resource.',
  }))
  const policies = parts.policies.map((part, at) => {
    const parsed = policyToJson(part)
    if (parsed.type === 'failure') throw new Error('a policy that parses in a set does not parse alone')
    const place = places[at] ?? from
    const id = parsed.json.annotations?.['id'] || undefined
    return { file, path: id ?? named(place).path, place, id, text: part, json: parsed.json }
  })
  return { policies, faults }
}

/** What has no name is called by its line. */
function named(place: Place): { path: string } & Place {
  return { path: `line ${place.line}`, ...place }
}

/**
 * Where the parts begin. They come verbatim, but sorted by an id of
 * the engine's own, `policy10` before `policy2`. A part may be the end of another
 * that only has more annotations: so the longest are found first, and blanked out.
 */
function partPlaces(text: string, parts: readonly string[], from: Place): Place[] {
  const places: Place[] = []
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index)
  let rest = text
  for (const [at, part] of [...parts.entries()].toSorted(([, a], [, b]) => b.length - a.length)) {
    const found = rest.indexOf(part)
    rest = rest.slice(0, found) + ' '.repeat(part.length) + rest.slice(found + part.length)
    const line = ends.findLastIndex((end) => end < found) + 1
    const column = found - (ends[line - 1] ?? -1)
    places[at] = { line: from.line + line, column: line === 0 ? from.column + column - 1 : column }
  }
  return places
}

// Strings and comments come first, so that a semicolon in them ends nothing.
const marks = /"(?:\\[^]|[^"\\])*"|\/\/[^\n\r]*|;/g

/** What a semicolon ends, and the rest, each with the text before it. */
function statements(text: string): { before: string; statement: string }[] {
  const ends = [...text.matchAll(marks)].filter(([mark]) => mark === ';').map(({ index }) => index + 1)
  return [0, ...ends].map((at, nth) => ({ before: text.slice(0, at), statement: text.slice(at, ends[nth]) }))
}

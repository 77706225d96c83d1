/** From the text of a policy file to single policies. */
import { policySetTextToParts, policyToJson, type PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Fault } from '../base/fault.ts'
import { tooDeepAt } from './nesting.ts'
import { remedyFrom } from './remedy.ts'

/** One policy of a file. */
export interface ParsedPolicy {
  file: string
  /** Where it is for a reader: its `@id`, or `line 7` where it has none. */
  path: string
  /** Its `@id`, or undefined where that is absent or empty. */
  id: string | undefined
  text: string
  json: PolicyJson
}

/** Cedar counts positions in bytes of UTF-8. */
function lineAt(text: string, byte: number): string {
  return `line ${Buffer.from(text).subarray(0, byte).toString().split('\n').length}`
}

/** The policies of one file, and what in it is not a static policy. */
export function parsePolicies(file: string, text: string): { policies: ParsedPolicy[]; faults: Fault[] } {
  const deep = tooDeepAt(text)
  if (deep !== undefined) {
    const fault = {
      file,
      path: lineAt(text, deep),
      message: 'the policy is nested too deeply to be evaluated safely',
      remedy: 'Write several policies, or a set and contains instead of many comparisons.',
    }
    return { policies: [], faults: [fault] }
  }
  const parts = policySetTextToParts(text)
  if (parts.type === 'failure') {
    const faults = parts.errors
      .flatMap((error) => [error, ...(error.related ?? [])])
      .map(({ message, help, sourceLocations }) => {
        const [place] = sourceLocations ?? []
        return {
          file,
          path: place ? lineAt(text, place.start) : '',
          message: place?.label ? `${message} (${place.label})` : message,
          remedy: remedyFrom(help, 'Correct the syntax of the policy.'),
        }
      })
    return { policies: [], faults }
  }

  const lines = partLines(text, [...parts.policies, ...parts.policy_templates])
  const faults = parts.policy_templates.map((_, at) => ({
    file,
    path: lines[parts.policies.length + at] ?? '',
    message: 'this is a template',
    remedy: 'Name an entity instead of ?principal or ?resource.',
  }))
  const policies = parts.policies.map((part, at) => {
    const parsed = policyToJson(part)
    if (parsed.type === 'failure') throw new Error('a policy that parses in a set does not parse alone')
    const id = parsed.json.annotations?.['id'] || undefined
    return { file, path: id ?? lines[at] ?? '', id, text: part, json: parsed.json }
  })
  return { policies, faults }
}

/**
 * The lines on which the parts begin. They come verbatim, but sorted by an id of
 * the engine's own, `policy10` before `policy2`. A part may be the end of another
 * that only has more annotations: so the longest are found first, and blanked out.
 */
function partLines(text: string, parts: readonly string[]): string[] {
  const lines: string[] = []
  let rest = text
  for (const [at, part] of [...parts.entries()].toSorted(([, a], [, b]) => b.length - a.length)) {
    const start = rest.indexOf(part)
    rest = rest.slice(0, start) + ' '.repeat(part.length) + rest.slice(start + part.length)
    lines[at] = lineAt(text, Buffer.byteLength(text.slice(0, start)))
  }
  return lines
}

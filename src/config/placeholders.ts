/** What examples stand for something with, as `init` and our pages write it, left where one's own belongs. */
import { isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import type { Fault } from '../base/fault.ts'
import { type ParsedPolicy, placeIn } from '../policy/parse.ts'
import { entitiesNamed } from '../policy/reads.ts'
import { limits, readText, Unreadable } from './files.ts'
import { placeAt } from './places.ts'
import { pathTo } from './yaml.ts'

/** Whose values are one's own choice, or name a file or a variable. */
const free: ReadonlySet<string> = new Set(
  'name purpose environment id file env ca cert key store agents policies preset type class'.split(' '),
)

/** A name as a word of its own, be it in a domain (RFC 2606). */
const name = /(?<![A-Za-z0-9])(?:acme|example)(?![A-Za-z0-9])/i

/** What is to be filled in. */
const blank =
  /(?<![A-Za-z0-9])(?:(?:EXAMPLE|YOUR)[A-Z0-9_-]*|(?:OWNER|REPO|ORG|TENANT)(?![A-Za-z0-9]))|<[^<>]+>/

/** In the ARN of something in an account. */
const account = /:(\d{12}):/

/** The placeholder in a value, if there is one. `isId`: whether the whole value is the id of something. */
export function placeholderIn(text: string, isId: boolean): string | undefined {
  const [named] = blank.exec(text) ?? name.exec(text) ?? []
  const number = account.exec(text)?.[1] ?? (isId ? text : undefined)
  return named ?? (number !== undefined && isMadeUp(number) ? number : undefined)
}

/** Zeros, one digit again and again, or digits as they are counted. */
function isMadeUp(id: string): boolean {
  return (
    /^0+$|^(\d)\1{4,}$|^111122223333$/.test(id) || (id.length > 4 && '12345678901234567890'.startsWith(id))
  )
}

/** In YAML files; those that cannot be read are faults of another kind. */
export function placeholdersIn(files: readonly string[]): Fault[] {
  return files.flatMap((file) => {
    try {
      return inYaml(file, readText(file, limits.configuration))
    } catch (error) {
      if (error instanceof Unreadable) return []
      throw error
    }
  })
}

function inYaml(file: string, text: string): Fault[] {
  const faults: Fault[] = []
  const lines = new LineCounter()
  visit(parseDocument(text, { lineCounter: lines, prettyErrors: false }), {
    Scalar(role, node, ancestors) {
      if (role === 'key') return
      const path = pathTo(ancestors, node)
      const key = keyOf(ancestors)
      if (free.has(key)) return
      const found = placeholderIn(node.source ?? '', /(?:^|_)id$/.test(key))
      if (found === undefined) return
      faults.push({ file, path, ...placeAt(lines, node.range?.[0] ?? 0), ...fault(found) })
    },
  })
  return faults
}

/** The key that the value, or the list that it is in, belongs to. */
function keyOf(ancestors: readonly unknown[]): string {
  const pair = ancestors.findLast((ancestor) => isPair(ancestor))
  return isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : ''
}

/** In the names of entities. */
export function placeholdersOf(policies: readonly ParsedPolicy[]): Fault[] {
  return policies.flatMap((policy) =>
    [...new Set(entitiesNamed(policy.json).map(({ id }) => id))].flatMap((id): Fault[] => {
      const found = placeholderIn(id, /^\d{12}$/.test(id))
      const { file, path } = policy
      return found === undefined
        ? []
        : [{ file, path, ...placeIn(policy, JSON.stringify(id)), ...fault(found) }]
    }),
  )
}

function fault(placeholder: string): Pick<Fault, 'message' | 'remedy' | 'warning'> {
  return { message: `holds the placeholder \`${placeholder}\``, remedy: 'Write your own.', warning: true }
}

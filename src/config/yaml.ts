/** YAML as plain data: one document, every key a string and written once, nothing that refers or executes. */
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml'
import type { Fault } from '../base/fault.ts'
import { dotted } from './parse.ts'
import { placeAt } from './places.ts'

/** One broken line can bring down all that follow; more than this is noise. */
const mostSyntaxFaults = 10

/** A document that is one map. `value` is there exactly when nothing is wrong. */
export function readYaml(text: string, file: string): { value?: Record<string, unknown>; faults: Fault[] } {
  const { document, faults } = parseStrictly(text, file)
  if (!document) return { faults }
  if (!isMap(document.contents))
    return { faults: [otherShape(document, file, 'a map', '`key: value` lines')] }
  // A map of string keys without tags, as checked before, comes out as a plain object.
  return { value: document.toJS({ maxAliasCount: 0 }) as Record<string, unknown>, faults: [] }
}

/** A document that is one list. `value` is there exactly when nothing is wrong. */
export function readYamlList(text: string, file: string): { value?: unknown[]; faults: Fault[] } {
  const { document, faults } = parseStrictly(text, file)
  if (!document) return { faults }
  if (!isSeq(document.contents))
    return { faults: [otherShape(document, file, 'a list', '`- ` and each item')] }
  return { value: document.toJS({ maxAliasCount: 0 }) as unknown[], faults: [] }
}

/** The document, if nothing is wrong with it. */
function parseStrictly(text: string, file: string): { document?: Document; faults: Fault[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: true,
    prettyErrors: false,
    lineCounter: lines,
  })
  const faults = [...document.errors, ...document.warnings].slice(0, mostSyntaxFaults).map((error): Fault => {
    return { file, path: '', ...placeAt(lines, error.pos[0]), ...syntax(error.code) }
  })
  if (faults.length > 0) return { faults }

  const refuse = (node: unknown, ancestors: readonly unknown[], message: string, remedy: string) => {
    const place = isNode(node) && node.range ? placeAt(lines, node.range[0]) : {}
    faults.push({ file, path: pathTo(ancestors, node), ...place, message, remedy })
  }
  visit(document, {
    Alias(_key, node, ancestors) {
      // A few lines of aliases of aliases expand to gigabytes.
      refuse(node, ancestors, 'aliases are not accepted', 'Write the value out where the alias stands.')
    },
    Pair(_key, pair, ancestors) {
      const key = isScalar(pair.key) ? pair.key.value : undefined
      if (typeof key !== 'string')
        refuse(pair.key, ancestors, 'a key is not a string', 'Write the key in quotes.')
      else if (key === '__proto__' || key === '<<')
        refuse(pair.key, [...ancestors, pair], `\`${key}\` is not accepted as a key`, 'Remove it.')
    },
    Node(_key, node, ancestors) {
      checkNode(node, (message, remedy) => refuse(node, ancestors, message, remedy))
    },
  })
  return faults.length > 0 ? { faults } : { document, faults }
}

function checkNode(node: Node, refuse: (message: string, remedy: string) => void): void {
  if ('anchor' in node && node.anchor !== undefined)
    refuse(
      'anchors are not accepted',
      'Remove the `&` and its name; write text that begins with `&` in quotes.',
    )
  if (node.tag !== undefined)
    refuse('tags are not accepted', 'Remove the `!` and its name; write text that begins with `!` in quotes.')
  // 012345678901 reads as 12345678901, and an id beyond 2^53 as its neighbour's: nobody means that.
  if (isScalar(node) && typeof node.value === 'number' && String(node.value) !== node.source)
    refuse(
      'the number does not read as it is written',
      'Write it in quotes if it is an id, else in plain digits.',
    )
}

function otherShape(document: Document, file: string, wanted: string, how: string): Fault {
  const message = document.contents === null ? 'the file is empty' : `the file is not ${wanted}`
  return { file, path: '', line: 1, column: 1, message, remedy: `Write ${how} at the top level.` }
}

/** By the code: some of the library's messages quote the text, which may hold a secret. */
function syntax(code: string): { message: string; remedy: string } {
  switch (code) {
    case 'DUPLICATE_KEY':
      return { message: 'the key stands there twice', remedy: 'Keep one of them.' }
    case 'MULTIPLE_DOCS':
      return { message: 'a second document begins', remedy: 'Keep one document in the file.' }
    case 'TAG_RESOLVE_FAILED':
      return { message: 'tags are not accepted', remedy: 'Remove the `!` and its name.' }
    case 'RESOURCE_EXHAUSTION':
      return { message: 'the nesting is too deep', remedy: 'Write it flatter.' }
    default:
      return { message: `not YAML (${code})`, remedy: 'Correct it there, or put text in quotes.' }
  }
}

/** From a visitor's ancestors: keys of pairs, and places in lists. */
export function pathTo(ancestors: readonly unknown[], node: unknown): string {
  const chain = [...ancestors, node]
  return dotted(
    chain.flatMap((ancestor, index): (string | number)[] => {
      if (isSeq(ancestor)) {
        const place = ancestor.items.indexOf(chain[index + 1])
        return place < 0 ? [] : [place]
      }
      if (typeof ancestor !== 'object' || ancestor === null || !('key' in ancestor)) return []
      return isScalar(ancestor.key) ? [String(ancestor.key.value)] : []
    }),
  )
}

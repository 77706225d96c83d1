/** Where in their files faults are: line and column of the key, or the item of a list, that their path leads to. */
import { setImmediate } from 'node:timers/promises'
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Pair } from 'yaml'
import type { Fault } from '../base/fault.ts'
import { limits, readText, Unreadable } from './files.ts'

type Place = { line: number; column: number }

/** Adds their places to those of `faults` that have a path in a YAML file and no place yet. */
export async function addPlaces(faults: readonly Fault[]): Promise<void> {
  const missing = faults.filter(({ file, path, line }) => line === undefined && path !== '' && isYaml(file))
  for (const [file, some] of Map.groupBy(missing, (fault) => fault.file)) {
    // A reload reads thousands of files while requests are being served.
    await setImmediate()
    addPlacesIn(file, some)
  }
}

/** The same for the faults of one file. */
export function addPlacesIn(file: string, faults: readonly Fault[]): void {
  const text = textOf(file)
  if (text === undefined) return
  const lines = new LineCounter()
  const { contents } = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  for (const fault of faults) Object.assign(fault, placeAt(lines, startOf(contents, fault.path) ?? 0))
}

export function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset)
  // Of what begins on the first line, the counter knows none.
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function isYaml(file: string): boolean {
  return /\.ya?ml$/i.test(file)
}

function textOf(file: string): string | undefined {
  try {
    return readText(file, limits.configuration)
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}

/** Where what a dotted path leads to begins; of what is not there, where the nearest begins that it would be in. */
function startOf(node: unknown, path: string): number | undefined {
  if (path === '') return undefined
  if (isSeq(node)) {
    const [step = '', index] = /^\[(\d+)\]/.exec(path) ?? []
    const item = node.items[Number(index)]
    return startOf(item, path.slice(step.length)) ?? begin(item)
  }
  const pair = isMap(node) ? leading(node.items, path.replace(/^\./, '')) : undefined
  if (!pair) return undefined
  return startOf(pair.pair.value, pair.rest) ?? begin(pair.pair.key)
}

/** The pair whose key the path begins with. Keys may hold dots and brackets: the longest that fits is meant. */
function leading(pairs: readonly Pair[], path: string): { pair: Pair; rest: string } | undefined {
  let best: { pair: Pair; rest: string } | undefined
  for (const pair of pairs) {
    const key = isScalar(pair.key) ? String(pair.key.value) : undefined
    if (key === undefined || !path.startsWith(key)) continue
    const rest = path.slice(key.length)
    if (/^$|^[.[]/.test(rest) && (!best || rest.length < best.rest.length)) best = { pair, rest }
  }
  return best
}

function begin(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

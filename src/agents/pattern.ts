/** Patterns over subjects and claims: exact text, in which a wildcard stands for characters that are no separator. */

/** A compiled pattern. */
export interface Pattern {
  /** As the operator wrote it. */
  readonly text: string
  /** The text between the wildcards, so one more than there are wildcards. */
  readonly literals: readonly string[]
  /** Its characters and wildcards, one by one. */
  readonly parts: readonly string[]
}

const one = '*'
const deep = '**'

export function compilePattern(text: string): Pattern {
  const parts = Object.freeze(text.match(/\*\*|[^]/g) ?? [])
  return Object.freeze({ text, literals: Object.freeze(text.split(/\*\*?/)), parts })
}

/**
 * Whether the whole of `value` is what `pattern` says, case-sensitively. `*`
 * stands for one or more characters other than `/` and `:`, the separators of
 * subjects: `repo:acme/*` is no repository of a look-alike owner, and no branch.
 * `**` stands for one or more characters other than `:`: `ref:refs/heads/**` is
 * every branch, however deep, and nothing but a branch.
 */
export function matchesPattern(pattern: Pattern, value: string): boolean {
  if (pattern.literals.length === 1) return value === pattern.text
  return pattern.parts.includes(deep) ? walk(pattern.parts, value) : sweep(pattern.literals, value)
}

/**
 * Each literal is taken at its first place and never tried again, so a hostile
 * value costs one pass. That loses no match: of two places that the wildcard
 * before can reach, the earlier leaves the wildcard after it no separator that
 * the later would not, and a literal that holds a separator itself can be
 * reached in one place only.
 */
function sweep(literals: readonly string[], value: string): boolean {
  const first = literals[0]!
  const last = literals.at(-1)!
  const end = value.length - last.length
  if (!value.startsWith(first) || !value.endsWith(last)) return false
  let at = first.length
  for (let next = 1; next < literals.length - 1; next++) {
    const literal = literals[next]!
    const found = value.indexOf(literal, at + 1)
    if (found < 0 || !isOneSegment(value, at, found)) return false
    at = found + literal.length
  }
  return isOneSegment(value, at, end)
}

/** Keeps all places of the pattern that the value can have reached: a hostile value costs its length for each part, at most. */
function walk(parts: readonly string[], value: string): boolean {
  let reached = new Set([0])
  for (const character of value) {
    const next = new Set<number>()
    for (const at of reached) {
      const part = parts[at]
      if (part === undefined || !takes(part, character)) continue
      next.add(at + 1)
      // A wildcard may go on past the character that it took.
      if (isWildcard(part)) next.add(at)
    }
    if (next.size === 0) return false
    reached = next
  }
  return reached.has(parts.length)
}

/** Whether some value matches both. */
export function overlap(a: Pattern, b: Pattern): boolean {
  if (b.literals.length === 1) return matchesPattern(a, b.text)
  if (a.literals.length === 1) return matchesPattern(b, a.text)
  // Both are read side by side, each pair of places once: with many wildcards there are many ways to the same pair.
  const [partsA, partsB] = [a.parts, b.parts]
  const seen = new Set<number>()
  const open: [atA: number, atB: number][] = [[0, 0]]
  for (let places = open.pop(); places; places = open.pop()) {
    const [atA, atB] = places
    if (atA === partsA.length && atB === partsB.length) return true
    if (atA === partsA.length || atB === partsB.length) continue
    const pair = atA * (partsB.length + 1) + atB
    const [partA, partB] = [partsA[atA]!, partsB[atB]!]
    if (seen.has(pair) || !share(partA, partB)) continue
    seen.add(pair)
    open.push([atA + 1, atB + 1])
    if (isWildcard(partA)) open.push([atA, atB + 1])
    if (isWildcard(partB)) open.push([atA + 1, atB])
  }
  return false
}

function isWildcard(part: string): boolean {
  return part === one || part === deep
}

/** Whether `character` can stand where the pattern has `part`. */
function takes(part: string, character: string): boolean {
  if (part === one) return !isSeparator(character)
  return part === deep ? character !== ':' : part === character
}

/** Whether one character can stand where each pattern has this. Any but a separator can for two wildcards. */
function share(a: string, b: string): boolean {
  if (isWildcard(a)) return isWildcard(b) || takes(a, b)
  return takes(b, a)
}

function isOneSegment(value: string, from: number, to: number): boolean {
  if (to <= from) return false
  for (let at = from; at < to; at++) if (isSeparator(value[at]!)) return false
  return true
}

function isSeparator(character: string): boolean {
  return character === '/' || character === ':'
}

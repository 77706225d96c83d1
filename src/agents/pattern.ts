/** Patterns over subjects and claims: exact text in which `*` never leaves its segment. */

/** A compiled pattern. */
export interface Pattern {
  /** As the operator wrote it. */
  readonly text: string
  /** The text between the wildcards, so one more than there are wildcards. */
  readonly literals: readonly string[]
}

export function compilePattern(text: string): Pattern {
  return Object.freeze({ text, literals: Object.freeze(text.split('*')) })
}

/**
 * Whether the whole of `value` is what `pattern` says, case-sensitively. `*`
 * stands for one or more characters other than `/` and `:`, the separators of
 * subjects: `repo:acme/*` is no repository of a look-alike owner, and no branch.
 *
 * Each literal is taken at its first place and never tried again, so a hostile
 * value costs one pass. That loses no match: of two places that the wildcard
 * before can reach, the earlier leaves the wildcard after it no separator that
 * the later would not, and a literal that holds a separator itself can be
 * reached in one place only.
 */
export function matchesPattern({ literals }: Pattern, value: string): boolean {
  const first = literals[0]!
  const last = literals.at(-1)!
  if (literals.length === 1) return value === first
  const end = value.length - last.length
  if (!value.startsWith(first) || !value.endsWith(last)) return false
  let at = first.length
  for (let next = 1; next < literals.length - 1; next++) {
    const literal = literals[next]!
    const found = value.indexOf(literal, at + 1)
    if (found < 0 || !isWildcard(value, at, found)) return false
    at = found + literal.length
  }
  return isWildcard(value, at, end)
}

/** Whether some value matches both. */
export function overlap(a: Pattern, b: Pattern): boolean {
  if (b.literals.length === 1) return matchesPattern(a, b.text)
  if (a.literals.length === 1) return matchesPattern(b, a.text)
  // Both are read side by side, each pair of places once: with many wildcards there are many ways to the same pair.
  const [textA, textB] = [a.text, b.text]
  const seen = new Set<number>()
  const open: [atA: number, atB: number][] = [[0, 0]]
  for (let places = open.pop(); places; places = open.pop()) {
    const [atA, atB] = places
    if (atA === textA.length && atB === textB.length) return true
    if (atA === textA.length || atB === textB.length) continue
    const pair = atA * (textB.length + 1) + atB
    if (seen.has(pair) || !shareCharacter(textA[atA]!, textB[atB]!)) continue
    seen.add(pair)
    open.push([atA + 1, atB + 1])
    // A wildcard may go on past the character that it took.
    if (textA[atA] === '*') open.push([atA, atB + 1])
    if (textB[atB] === '*') open.push([atA + 1, atB])
  }
  return false
}

/** Whether one character can stand where each pattern has this. */
function shareCharacter(a: string, b: string): boolean {
  if (a === '*') return !isSeparator(b)
  return a === b || (b === '*' && !isSeparator(a))
}

function isWildcard(value: string, from: number, to: number): boolean {
  if (to <= from) return false
  for (let at = from; at < to; at++) if (isSeparator(value[at]!)) return false
  return true
}

function isSeparator(character: string): boolean {
  return character === '/' || character === ':'
}

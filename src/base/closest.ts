import { distance } from 'fastest-levenshtein'

/**
 * What a slip of the hand could have meant: the candidate nearest to what was written, or
 * undefined if none is near. `most` letters may differ: a third, and two in short words.
 */
export function closest(written: string, candidates: Iterable<string>, most?: number): string | undefined {
  const wanted = written.slice(0, 64).toLowerCase()
  let best: string | undefined
  // Two letters that changed places count as two.
  let least = Math.min(wanted.length, (most ?? Math.max(2, Math.floor(wanted.length / 3))) + 1)
  for (const candidate of candidates) {
    const changes = distance(wanted, candidate.toLowerCase())
    if (changes < least) [best, least] = [candidate, changes]
  }
  return best
}

/** Rules that no token, or none that was meant, can match: their wildcards end at a separator that its subject goes on behind. */
import type { Issuer } from '../identity/issuer.ts'
import { subjectShapes } from '../identity/subject-shapes.ts'
import type { MatchRule } from './match.ts'
import { compilePattern, overlap, type Pattern } from './pattern.ts'

/** What is wrong with the rule's subject, if it is surely not what was meant. */
export function unmatchable(
  { subject }: MatchRule,
  { platform }: Pick<Issuer, 'platform'>,
): { message: string; remedy: string } | undefined {
  const known = Object.hasOwn(subjectShapes, platform) ? subjectShapes[platform] : undefined
  if (!known || !subject?.text.startsWith(known.begins)) return undefined
  const { remedy } = known
  if (!takesAny(subject, known.shapes))
    return { message: `matches no branch's token, nor any other of ${platform}${why(subject)}`, remedy }
  // A whole `pull_request` is meant, one that a wildcard happens to take in is not.
  if (isWide(subject) && !takesAny(subject, known.usual))
    return { message: `matches no branch's token${why(subject)}`, remedy }
  return undefined
}

function why(subject: Pattern): string {
  return isWide(subject) ? ': `*` stands for characters other than `/` and `:`' : ''
}

function isWide({ literals }: Pattern): boolean {
  return literals.length > 1
}

function takesAny(subject: Pattern, shapes: readonly string[]): boolean {
  return shapes.some((shape) => overlap(subject, compilePattern(shape)))
}

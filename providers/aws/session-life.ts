import type { Intent } from '../../src/provider/upstream.ts'

/** Seconds: the shortest session there is (STS API reference, AssumeRole). */
export const shortest = 900

/** The seconds that the session of a task lives: what is left of the task, as far as AWS and the role allow it. */
export function lifeOf(
  { deadline }: Pick<Intent<unknown>, 'deadline'>,
  now: number,
  longest: number,
): number {
  return Math.max(shortest, Math.min(longest, Math.ceil((deadline - now) / 1000)))
}

/** Actions and resources as IAM policies write them, with `*` for any characters and `?` for one. */
import { z } from 'zod'

/**
 * A policy variable would be filled in by AWS with something of the session, and
 * what was decided here would not be what holds there.
 */
const noVariable = (text: string) => !text.includes('${')

/** `s3:GetObject`, `s3:Get*`. Not `*` alone: whoever wants every action leaves the narrowing out. */
export const actionPattern = z
  .string()
  .max(128)
  .regex(/^[a-z0-9-]+:[a-z0-9*?]+$/i, 'is not SERVICE:ACTION, as s3:GetObject')

/** IAM matches actions whatever their case, and resources as they are written. */
export const foldedAction = (action: string) => action.toLowerCase()

/**
 * `*`, or an ARN with all of its six parts: AWS completes a shorter one with
 * wildcards. The characters are those of a session policy (STS API reference).
 */
export const resourcePattern = z
  .string()
  .regex(
    /^(?:\*|arn:aws(?:-[a-z]+)*:[a-z0-9-]+:[a-z0-9*?-]*:[a-z0-9*?]*:[\x20-\x7e\xa1-\xff]+)$/,
    'is not * nor an ARN with six parts, as arn:aws:s3:::bucket/*',
  )
  .refine(noVariable, 'must not have a policy variable, ${…}')

/** Whether everything that the action `inner` matches is matched by one of `outer`. No where that is not certain. */
export function actionWithin(inner: string, outer: readonly string[]): boolean {
  return outer.some((pattern) => within(foldedAction(inner), foldedAction(pattern)))
}

/** The same for resources, part by part: whether a wildcard reaches over a colon is not for us to say. */
export function resourceWithin(inner: string, outer: readonly string[]): boolean {
  return outer.some((pattern) => {
    if (pattern === '*') return true
    const [had, asked] = [parts(pattern), parts(inner)]
    return had.length === asked.length && had.every((part, index) => within(asked[index]!, part))
  })
}

/** The five parts that have no colon in them, and the rest. */
function parts(arn: string): string[] {
  const all = arn.split(':')
  return [...all.slice(0, 5), ...(all.length > 5 ? [all.slice(5).join(':')] : [])]
}

/**
 * Matches `inner` as text, wildcards and all. What a `*` of `outer` takes in, it
 * takes in whatever a wildcard there stands for; its `?` stands for one character,
 * which a `*` need not be. Both texts are the caller's: a regular expression of
 * many `*` would take for ever to fail.
 */
function within(inner: string, outer: string): boolean {
  let [at, want] = [0, 0]
  // Where to go on when what follows the last `*` does not fit.
  let retry: { at: number; want: number } | undefined
  while (at < inner.length) {
    const [char, pattern] = [inner[at], outer[want]]
    if (pattern === '*') retry = { at, want: ++want }
    else if (pattern === char || (pattern === '?' && char !== '*')) [at, want] = [at + 1, want + 1]
    else if (retry) [at, want] = [++retry.at, retry.want]
    else return false
  }
  return /^\**$/.test(outer.slice(want))
}

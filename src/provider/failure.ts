/** How an upstream fails, as its provider tells the broker. */

/**
 * An upstream's failure, translated: `message` names what happened in our own
 * words and holds neither a secret nor upstream's answer.
 *
 * `rejected`: upstream understood and said no; the same request will fail again.
 * `unavailable`: no answer, or one that says to come back.
 */
export class ProviderError extends Error {
  readonly kind: 'rejected' | 'unavailable'
  /** Seconds, if upstream named them. */
  readonly retryAfter: number | undefined
  /** Whether upstream may have acted all the same (a lost answer, a time-out, a 5xx). */
  readonly maybeDone: boolean
  /** What an operator can do about it, one line, where the cause lies on the way to upstream. */
  readonly remedy: string | undefined
  /**
   * Whether it failed because of the JWT that the broker logs in with: there is no key yet to sign it, or upstream did
   * not take it, as it does where it cannot read the broker's keys at `url`.
   */
  readonly ofOwnToken: boolean

  constructor(
    kind: 'rejected' | 'unavailable',
    message: string,
    options: {
      retryAfter?: number | undefined
      maybeDone?: boolean
      remedy?: string | undefined
      ofOwnToken?: boolean
    } = {},
  ) {
    super(message)
    this.name = 'ProviderError'
    this.kind = kind
    this.retryAfter = options.retryAfter
    this.maybeDone = options.maybeDone ?? false
    this.remedy = options.remedy
    this.ofOwnToken = options.ofOwnToken ?? false
  }
}

import { pause, type Clock } from '../../src/base/clock.ts'
import { abandoned, requireAwaited } from '../../src/provider/answers.ts'
import { AwsFailure, refusal, unheard, type Leaves, type Meanings } from './failure.ts'

/** Milliseconds that a question waits whose asker AWS did not know. */
const askAgainMs = 500

interface Terms<Instead> {
  /** Default: nothing. */
  leaves?: Leaves
  meanings?: Meanings
  /** What stands for the answer where AWS refuses with this code. */
  except?: Record<string, Instead>
}

/**
 * Runs one call, and again for as long as AWS may not have heard of who asks
 * (`isNew`): such an answer came before anything was done.
 */
export function attempts(clock: Clock, isNew: () => boolean) {
  return async <Output, Instead = never>(
    call: (options: { abortSignal: AbortSignal }) => Promise<Output>,
    signal: AbortSignal,
    { leaves = 'nothing', meanings = {}, except }: Terms<Instead> = {},
  ): Promise<Output | Instead> => {
    for (;;) {
      requireAwaited('AWS', signal)
      try {
        return await call({ abortSignal: signal })
      } catch (error) {
        if (!(error instanceof AwsFailure)) throw error
        if (error.status === undefined && signal.aborted)
          throw abandoned('AWS', signal, leaves !== 'nothing' && error.sent)
        if (except && Object.hasOwn(except, error.code)) return except[error.code] as Instead
        if (!unheard.has(error.code) || !isNew()) throw refusal(error, meanings, leaves)
      }
      await pause(clock, askAgainMs)
    }
  }
}

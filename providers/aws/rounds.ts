/** One piece of work for all who want the same done at the same time. */
import { passing } from '../../src/provider/answers.ts'
import type { ProviderError } from '../../src/provider/failure.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'

/** What those who share one run of the work brought along. `signal` aborts when each of them has given up. */
export interface Round<Member> {
  members: Member[]
  signal: AbortSignal
}

/**
 * Runs `work` for a key while nobody else does, here or elsewhere. Who comes while
 * a run is under way shares the next one: that run began too early for them.
 */
export function rounds<Member, Result>(
  exclusive: ConnectionContext['exclusive'],
  work: (key: string, round: Round<Member>) => Promise<Result>,
): (key: string, member: Member | undefined, signal: AbortSignal) => Promise<Result> {
  const next = new Map<string, Gathering<Member, Result>>()

  const gather = (key: string): Gathering<Member, Result> => {
    const controller = new AbortController()
    const members: Member[] = []
    const run = async () => {
      if (next.get(key) === gathering) next.delete(key)
      if (controller.signal.aborted) throw abandoned()
      return await work(key, { members, signal: controller.signal })
    }
    const gathering: Gathering<Member, Result> = {
      members,
      waiting: 0,
      controller,
      result: exclusive(`aws ${key}`, run),
    }
    // Nobody may be left to hear of it.
    gathering.result.catch(() => undefined)
    next.set(key, gathering)
    return gathering
  }

  return async (key, member, signal) => {
    if (signal.aborted) throw abandoned()
    const known = next.get(key)
    const gathering = known && !known.controller.signal.aborted ? known : gather(key)
    if (member !== undefined) gathering.members.push(member)
    gathering.waiting += 1
    return await new Promise<Result>((resolve, reject) => {
      const leave = () => {
        gathering.waiting -= 1
        if (gathering.waiting === 0) gathering.controller.abort(signal.reason)
        reject(abandoned())
      }
      signal.addEventListener('abort', leave, { once: true })
      gathering.result.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
    })
  }
}

interface Gathering<Member, Result> extends Pick<Round<Member>, 'members'> {
  /** How many have not given up. */
  waiting: number
  controller: AbortController
  result: Promise<Result>
}

function abandoned(): ProviderError {
  return passing('AWS did not deny the sessions in time', { maybeDone: true })
}

/**
 * The brokers on one store, as far as operators have to know of them: how many there are,
 * and whether they run with different configurations (docs/decisions/0041).
 */
import type { Log } from '../base/log.ts'

interface Member {
  id: string
  version: string
  configuration: string
}

interface Given {
  /** All that run, this one among them; undefined where there is no place for others. */
  living: () => readonly Member[] | undefined
  /** The id of this one among them. */
  self: () => string | undefined
  /** The digest of the configuration in force here. */
  own: () => string
  /** Decides all open tasks afresh under what is in force here. */
  review: () => Promise<void>
  log: Log
}

export class Fleet {
  readonly #given: Given
  #known: string
  #members: readonly Member[] = []

  constructor(given: Given) {
    this.#given = given
    this.#known = given.own()
  }

  count(): { brokers: number; configurations: number } {
    const living = this.#given.living() ?? []
    return {
      brokers: Math.max(1, living.length),
      configurations: Math.max(1, new Set(living.map(({ configuration }) => configuration)).size),
    }
  }

  /** Others have come or gone, or run with something else; whether one that has gone has left work to this one. */
  changed(inherits = false): void {
    const { living, own, review, log } = this.#given
    const all = living() ?? []
    const isAlone = all.length <= 1 && this.#members.length <= 1 && !inherits
    this.#tell(all)
    const configurations = [...new Set([own(), ...all.map(({ configuration }) => configuration)])].toSorted()
    const now = configurations.join()
    if (now === this.#known) return
    this.#known = now
    if (configurations.length > 1)
      log.warn(
        { brokers: all.map(({ id, version, configuration }) => ({ id, version, configuration })) },
        'brokers on this store run with different configurations',
      )
    else log.info({ configuration: now }, 'all brokers on this store run with one configuration')
    // What was opened under one is decided afresh under the other (invariant I12). Where nobody else was there to open
    // anything, what is in force was put in force with a review of its own.
    if (!isAlone) void review()
  }

  #tell(all: readonly Member[]): void {
    const { self, log } = this.#given
    const without = (some: readonly Member[]) => (each: Member) => !some.some(({ id }) => id === each.id)
    const brokers = all.length
    for (const { id, version } of this.#members.filter(without(all)))
      log.info({ broker: id, version, brokers }, 'a broker has gone; what it had to do is done by another')
    for (const { id, version } of all.filter(without(this.#members)))
      // An id tells nobody which machine it is on: each says its own.
      log.info(
        { broker: id, version, brokers },
        id === self() ? 'this broker has joined' : 'a broker has joined',
      )
    this.#members = all
  }
}

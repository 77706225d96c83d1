/** The unit of work: what commits together, or not at all. */

declare const transaction: unique symbol

/**
 * An open transaction. Opaque: only the store that began it can look inside,
 * so a core folder can pass it on but never query through it.
 */
export interface Tx {
  readonly [transaction]: true
}

/**
 * What a work will look up, as far as whoever asks for it knows: a store to which each question is a way there and
 * back asks it for all works of a commit at once (docs/decisions/0067). It changes nothing of what a work finds.
 */
export interface About {
  task?: string
  /** What it may do to the task: decide afresh whether it may go on; end it, with all that hangs off it; or mint in it. */
  to?: 'decide' | 'end' | 'mint'
  /** Of the task's tree. */
  root?: string
  lease?: string
  secretHash?: string
  /** Of a token that it may use up. */
  replayKey?: string
}

/** That, or what says it when it is about to be looked up: of a work to which more comes while it waits. */
export type Told = About | (() => readonly About[])

/**
 * Runs work in transactions, and one question alone without one. No method may be used to call an
 * upstream: the work of others waits for it.
 *
 * What every store promises, whatever its engine, and `test/contract/store.ts` states as
 * tests: works that write are serializable. The outcome is as if they had run one after
 * another, each seeing all that those before it wrote and nothing of those after. A store
 * that lets works run side by side keeps the promise by locks, in this order: what the
 * work decides about is locked first (the agent, then the identity: `LeaseStore.lockHeld`),
 * the head of the audit chain last, so that no two works wait for each other.
 */
export interface Unit {
  /**
   * Runs `work` in a transaction that may write. The promise settles only once
   * the change and its audit events are durable; if `work` throws, nothing of it
   * is kept. Works that arrive together may share one commit, each isolated from the
   * failure of the others. One may be run anew, and more than once: where another that shares its
   * commit could not be written, where nothing is left of it because the connection to the database
   * was lost, and where it is refused because it is not known yet whether anything may be granted.
   *
   * @throws BrokerError `unavailable` when the store cannot be written.
   */
  write<T>(work: (tx: Tx) => Promise<T>, ...about: Told[]): Promise<T>

  /**
   * Runs `work` on one consistent snapshot of what is durable: all of a work that wrote, or
   * nothing of it.
   *
   * @throws BrokerError `unavailable` when the store cannot be read.
   */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>

  /**
   * Runs `work`, which looks up one thing, on what is durable: as `read`, at the cost of the
   * question alone.
   *
   * @throws BrokerError `unavailable` when the store cannot be read; Error when `work` asks more than
   *   one question, for the answers might be of different moments.
   */
  find<T>(work: (tx: Tx) => Promise<T>): Promise<T>
}

/** Repeats a work that does some of what there is to do, each time in a transaction of its own, until it says that it did nothing. */
export async function untilNone(unit: Unit, some: (tx: Tx) => Promise<number>): Promise<void> {
  while ((await unit.write(some)) > 0);
}

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
 * Runs work in transactions. Neither method may be used to call an upstream:
 * the work of others waits for it.
 */
export interface Unit {
  /**
   * Runs `work` in a transaction that may write. The promise settles only once
   * the change and its audit events are durable; if `work` throws, nothing of it
   * is kept. Works that arrive together share one commit, each isolated from the
   * failure of the others.
   *
   * @throws BrokerError `unavailable` when the store cannot be written.
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>

  /** Runs `work` on one consistent snapshot. @throws BrokerError `unavailable` when the store cannot be read. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
}

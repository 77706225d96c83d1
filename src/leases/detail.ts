/**
 * An authorization detail as it is asked, stands on record and is shown: its provider's,
 * and beside that the `connection` by which the caller says which of the configured ones is
 * meant. That one is the broker's: no provider sees it.
 */

/** The provider's part of a detail. */
export function ofProvider(asked: unknown): unknown {
  const { connection: _choice, ...own } = asked as Record<string, unknown>
  return own
}

/** Rows that somebody else has written, as a type: none passes for sound where nobody has looked. */

/**
 * A row that is not as the broker wrote it: `damaged` is what is wrong with it. What it is
 * found and ended by is there as it reads. All else is in `says` alone, where anything may be
 * false, or stand in for what does not read.
 */
export type Damaged<Row, FoundBy extends keyof Row> = Pick<Row, FoundBy> & {
  readonly damaged: string
  readonly says: Row
}

/** A row as the store hands it on. */
export type Stored<Row, FoundBy extends keyof Row> = Row | Damaged<Row, FoundBy>

/** `damage`: what is wrong with it, undefined where it is sound. */
export function storedAs<Row extends object, FoundBy extends keyof Row>(
  row: Row,
  damage: string | undefined,
  foundBy: readonly FoundBy[],
): Stored<Row, FoundBy> {
  if (damage === undefined) return row
  const found = Object.fromEntries(foundBy.map((member) => [member, row[member]])) as Pick<Row, FoundBy>
  return { ...found, damaged: damage, says: row }
}

/** All that the row says, true or not: for who shows it, and who would end it whatever it says. */
export function asRead<Row extends object>(row: Row | { damaged: string; says: Row }): Row {
  return 'damaged' in row ? row.says : row
}

/** How far along the record a follower is, and what a store must do for that. */
import type { Stored } from '../base/damage.ts'
import type { Tx } from '../base/unit.ts'

/** Where a follower is: what it follows is dealt with up to here. */
export interface Cursor {
  /** Whose it is. */
  name: string
  /** The number of the last event that is dealt with. */
  seq: number
  /** The MAC of that event, which the next one follows; null where what is followed is no record. */
  mac: string | null
}

export type StoredCursor = Stored<Cursor, 'name'>

export interface CursorStore {
  get(tx: Tx, name: string): Promise<StoredCursor | undefined>
  /** In the place of the one of that name, whoever wrote it. */
  put(tx: Tx, cursor: Cursor): Promise<void>
}

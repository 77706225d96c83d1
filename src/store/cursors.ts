/** How far along the record its followers are, as rows. */
import { storedAs } from '../base/damage.ts'
import type { CursorStore } from '../notify/cursor.ts'
import { rowsIn } from './transaction.ts'

export const cursors: CursorStore = {
  async get(tx, name) {
    const row = await rowsIn(tx).one('cursors', 'name', name)
    if (!row) return undefined
    const read = rowsIn(tx).read('cursors', row)
    const cursor = { name: read.text('name'), seq: read.count('seq'), mac: read.optionalText('mac') }
    return storedAs(cursor, read.damage, ['name'])
  },
  async put(tx, { name, seq, mac }) {
    const row = await rowsIn(tx).one('cursors', 'name', name)
    if (row && rowsIn(tx).isGenuine('cursors', row)) await rowsIn(tx).change('cursors', row, { seq, mac })
    else {
      // An altered row stays one, however often it is changed.
      if (row) await rowsIn(tx).remove('cursors', row)
      await rowsIn(tx).insert('cursors', { name, seq, mac })
    }
  },
}

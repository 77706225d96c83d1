import { listEvents, readEvent } from '../../control/lists.ts'
import { cursorOf } from '../../wire/admin-cursor.ts'
import { auditQuery } from '../../wire/admin-schemas.ts'
import { eventView } from '../../http/views.ts'
import { filterOf } from '../../http/record.ts'
import { readConfiguration } from '../configuration.ts'
import { openRecord } from './open-record.ts'
import type { RecordSource } from './source.ts'

/** The record in the store of the configuration `file`, asked and shown as through a broker. @throws Failure */
export async function openStoreSource(file: string): Promise<RecordSource> {
  const { configuration } = await readConfiguration(file)
  const record = await openRecord(configuration)
  return {
    async page(query) {
      const { filter, page } = filterOf(auditQuery.parse(query))
      const { items, next } = await listEvents(record, filter, page)
      return { items: items.map(eventView), next: cursorOf('audit', next) }
    },
    event: async (seq) => eventView(await readEvent(record, seq)),
    close: record.close,
  }
}

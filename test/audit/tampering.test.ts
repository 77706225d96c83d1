import { describe, expect, it } from 'vitest'
import { note, verified } from '../support/store.ts'
import { history } from './history.ts'

/** What verification finds after `sql` was run on the database of a history of eight events. */
async function found(sql: string) {
  await using store = await history()
  await store.beside(sql)
  return (await verified(store)).discrepancies
}
const seqs = (discrepancies: { seq?: number }[]) => discrepancies.map(({ seq }) => seq)
const altered = 'it is not as it was written, or not where it was written'

describe('an event', () => {
  it.each([
    ['at', 'at + 1'],
    ['type', "'lease.expired'"],
    ['actor', "'admin:okta:mallory'"],
    ['agent', "'another-bot'"],
    ['owner', "'mallory@acme.dev'"],
    ['task', 'null'],
    ['lease', "'lease_0'"],
    ['status', "'revoked'"],
    ['data', `'{"fingerprint":"another"}'`],
    ['data', 'null'],
    ['mac', 'substr(mac, 2) || substr(mac, 1, 1)'],
  ])('with an altered %s (%s) is found', async (column, value) => {
    expect(await found(`update audit_events set ${column} = ${value} where seq = 5`)).toContainEqual({
      seq: 5,
      message: altered,
    })
  })

  it.each([
    ['is no JSON', '{'],
    ['has no canonical form', '{"text":"\\ud800"}'],
    ['is beyond all numbers', '{"n":1e999}'],
  ])('whose data %s is found, and does not stop the verification', async (_, data) => {
    expect(await found(`update audit_events set data = '${data}' where seq = 5`)).toEqual([
      { seq: 5, message: altered },
    ])
  })

  it('with a time beyond all numbers is found, and does not stop the verification', async () => {
    expect(seqs(await found('update audit_events set at = 9223372036854775807 where seq = 5'))).toEqual([5])
  })

  it('moved to another key’s name is found', async () => {
    expect(await found(`update audit_events set key = 'k9' where seq = 5`)).toContainEqual({
      seq: 5,
      key: 'k9',
      message: 'its key k9 is not configured',
    })
  })

  it('that is removed is found, and so are many', async () => {
    const [removed] = await found('delete from audit_events where seq = 5')
    expect(removed).toEqual({ seq: 5, message: 'it is missing' })
    expect((await found('delete from audit_events where seq in (1, 2, 3)'))[0]).toEqual({
      seq: 1,
      message: 'it is missing, and all up to 3',
    })
  })

  it('that is inserted is found where it stands', async () => {
    const columns = 'at, type, actor, agent, owner, task, lease, status, data, key, mac'
    const sql = `update audit_events set seq = seq + 100 where seq > 4;
      update audit_events set seq = seq - 99 where seq > 100;
      insert into audit_events (seq, ${columns}) select 5, ${columns} from audit_events where seq = 4`
    expect(seqs(await found(sql))[0]).toBe(5)
  })

  it('that is appended without the key is found', async () => {
    const columns = 'at, type, actor, agent, owner, task, lease, status, data, key, mac'
    const sql = `insert into audit_events (seq, ${columns}) select 9, ${columns} from audit_events where seq = 8`
    expect(await found(sql)).toEqual([
      { seq: 9, message: altered },
      { seq: 9, message: 'the chain goes on beyond the stored head' },
    ])
  })

  it('that changed places with another is found, and so is the other', async () => {
    const swapped = await found(
      `update audit_events set seq = 100 where seq = 2;
       update audit_events set seq = 2 where seq = 6;
       update audit_events set seq = 6 where seq = 100`,
    )
    expect(seqs(swapped)[0]).toBe(2)
    expect(seqs(swapped)).toContain(6)
  })
})

describe('a chain that was cut', () => {
  it('is found by the stored head', async () => {
    expect(await found('delete from audit_events where seq > 5')).toContainEqual({
      seq: 6,
      message: 'the chain ends before it, but the stored head is 8',
    })
  })

  it('is found when the stored head went with it', async () => {
    const [first] = await found('delete from audit_events where seq > 5; delete from audit_head')
    expect(first).toEqual({ seq: 5, message: 'the stored head is missing' })
  })

  it('is found when the stored head was written anew without the key', async () => {
    const cut = await found(
      `delete from audit_events where seq > 5;
       update audit_head set seq = 5, mac = (select mac from audit_events where seq = 5)`,
    )
    expect(cut[0]).toEqual({ seq: 5, message: 'the stored head was altered' })
  })

  it('is found by a noted head, and by the tables, when an older genuine head was put back', async () => {
    await using store = await history()
    const older = await store.unit.read((tx) => store.audit.head(tx))
    const task = store.task.id
    await store.unit.write(async (tx) => {
      await store.tasks.end(tx, task, 'completed', 'completed', 1)
      store.audit.record(tx, { at: 1, type: 'task.ended', actor: 'broker', task, status: 'completed' })
      note(store, tx)
    })
    const { head } = await verified(store)
    await store.beside(
      `delete from audit_events where seq > 8;
       update audit_head set (seq, mac, key, head_mac, commits, state) =
         (8, '${older!.mac}', '${older!.key}', '${older!.headMac}', ${older!.commits}, '${older!.state}')`,
    )
    const byTables = { subject: task, message: 'it is completed in the tables but active in the record' }
    expect((await verified(store)).discrepancies).toEqual(expect.arrayContaining([byTables]))
    expect((await verified(store, { expected: head })).discrepancies).toEqual(
      expect.arrayContaining([
        { seq: 9, message: 'the chain ends before it, but the noted head is 10' },
        byTables,
      ]),
    )
  })

  it('and written on is found by a noted head', async () => {
    await using store = await history()
    const { head } = await verified(store)
    await using other = await history()
    const { discrepancies } = await verified(other, { expected: head })
    expect(discrepancies).toEqual([{ seq: 8, message: 'it is not the event whose head was noted' }])
  })
})

describe('the tables', () => {
  it('in which a state was changed without an event are found', async () => {
    await using store = await history()
    const [lease] = store.held
    await store.beside(`update leases set status = 'expired' where id = '${lease.id}'`)
    await store.beside(`update tasks set status = 'completed'`)
    const { discrepancies } = await verified(store)
    expect(discrepancies).toEqual(
      expect.arrayContaining([
        { subject: store.task.id, message: 'it is completed in the tables but active in the record' },
        { subject: lease.id, message: 'it is expired in the tables but active in the record' },
      ]),
    )
  })

  it('from which a row was deleted are found', async () => {
    await using store = await history()
    await store.beside(`delete from leases where id = '${store.held[1].id}'`)
    expect((await verified(store)).discrepancies).toEqual(
      expect.arrayContaining([
        { subject: store.held[1].id, message: 'it is on record but not in the tables' },
      ]),
    )
    await store.beside('delete from leases; delete from tasks')
    const subjects = (await verified(store)).discrepancies.map(({ subject }) => subject)
    expect(subjects).toEqual(expect.arrayContaining([store.task.id, ...store.held.map(({ id }) => id)]))
  })

  it('into which a row was put are found', async () => {
    await using store = await history()
    await store.beside(`update leases set id = 'lease_smuggled' where id = '${store.held[2].id}'`)
    expect((await verified(store)).discrepancies).toEqual(
      expect.arrayContaining([
        { subject: 'lease_smuggled', message: 'it stands in the tables but not in the record' },
        { subject: store.held[2].id, message: 'it is on record but not in the tables' },
      ]),
    )
  })

  it('in which a sealed handle was moved or altered are found', async () => {
    const broken = (subject: string) => ({
      subject,
      message: expect.stringContaining('sealed handle does not open'),
    })
    await using store = await history()
    const [one, other] = store.held
    await store.beside(`update leases set handle = '${other.handle}' where id = '${one.id}'`)
    expect((await verified(store)).discrepancies).toEqual(expect.arrayContaining([broken(one.id)]))
    await store.beside(`update leases set handle = 'k1.AAAA' where id = '${other.id}'`)
    expect((await verified(store)).discrepancies).toEqual(
      expect.arrayContaining([broken(one.id), broken(other.id)]),
    )
  })
})

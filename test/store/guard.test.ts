/** A store that somebody else has written to grants nothing, and goes on ending. */
import { describe, expect, it } from 'vitest'
import { classes } from '../../src/provider/terms.ts'
import { aLease, aTask, hour, noon, note, put, putLeases, verified } from '../support/store.ts'
import { type SqliteSubject, sqliteStore } from '../support/sqlite.ts'

const identity = 'https://ci.test\nrepo:acme/web'

/** A store in which one task is open and one is over, and which has used up a token. */
async function used(): Promise<SqliteSubject & { open: string; over: string }> {
  const store = await sqliteStore()
  const [open, over] = await store.unit.write(async (tx) => {
    await store.usedTokens.use(tx, 'spent', noon + hour)
    return [await put(store, tx, aTask()), await put(store, tx, aTask())] as const
  })
  await store.unit.write((tx) => store.tasks.end(tx, over.id, 'completed', 'completed', noon))
  return { ...store, open: open.id, over: over.id }
}

const opens = (store: SqliteSubject) => store.unit.write((tx) => put(store, tx, aTask()))

async function expectNothingGranted(store: SqliteSubject, open: string) {
  await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
  const leased = store.unit.write((tx) => store.leases.insert(tx, aLease(aTask({ id: open }))))
  await expect(leased).rejects.toHaveProperty('code', 'unavailable')
  expect(await store.unit.write((tx) => store.tasks.end(tx, open, 'completed', 'completed', noon))).toBe(true)
}

const columns = 'key, until, row_mac'

describe('nothing is granted, and what is open can be ended, once', () => {
  it.each([
    ['a used token is deleted', 'delete from used_tokens'],
    [
      'a used token is added',
      `insert into used_tokens (${columns}) select 'x', until, row_mac from used_tokens`,
    ],
    ['the head of the record is put back', 'update audit_head set commits = commits - 1'],
    ['the head of the record is deleted', 'delete from audit_head'],
    [
      'the newest events are deleted',
      'delete from audit_events where seq = (select max(seq) from audit_events)',
    ],
    ['there is a trigger', 'create trigger t after insert on used_tokens begin delete from used_tokens; end'],
    ['there is a view', 'create view v as select 1'],
    ['an index is missing', 'drop index used_tokens_until'],
    ['a table has another column', 'alter table tasks add column more text'],
    ['a migration is taken back', "delete from kysely_migration where name like '0001%'"],
  ])('%s', async (_what, sql) => {
    await using store = await used()
    await store.unit.write(async (tx) => note(store, tx))
    await store.beside(sql)
    await expectNothingGranted(store, store.open)
  })

  it('an ended task is put back as it was when it was open', async () => {
    await using store = await sqliteStore()
    const task = await opens(store)
    await store.beside('create table kept as select * from tasks')
    await store.unit.write((tx) => store.tasks.end(tx, task.id, 'completed', 'completed', noon))
    await store.beside('delete from tasks; insert into tasks select * from kept; drop table kept')
    await expectNothingGranted(store, task.id)
  })
})

it.each(['key', 'until', 'row_mac'])(
  'a used token whose %s was altered lets nobody in, and is not tidied away',
  async (column) => {
    await using store = await used()
    await store.beside(`update used_tokens set ${column} = ${column === 'until' ? '1' : "'x'"}`)
    await store.unit.write((tx) => store.usedTokens.forget(tx, noon))
    await expectNothingGranted(store, store.open)
    await store.reopen()
    await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
  },
)

it('goes on when all is as it was again, and not before', async () => {
  await using store = await used()
  await store.beside('create trigger t after insert on tasks begin select 1; end')
  await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
  await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
  await store.beside('drop trigger t')
  await opens(store)
})

it('is found out by the next start too, and by what is looked at without being asked', async () => {
  await using store = await used()
  await store.close()
  await store.beside('delete from used_tokens')
  await store.reopen()
  expect(store.intrusion().doubts).toEqual([expect.stringContaining('used_tokens')])
  await expectNothingGranted(store, store.open)
  await store.reopen()
  await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
})

it('that only was read, or written and written back, is as it was', async () => {
  await using store = await used()
  await store.beside('begin; update tasks set ttl = ttl + 1; rollback; select * from tasks')
  await store.beside('update tasks set ttl = ttl + 1')
  await store.beside('update tasks set ttl = ttl - 1')
  await opens(store)
  expect(store.intrusion()).toEqual({ doubts: [], damaged: [] })
})

describe('rows that were changed where they stand', () => {
  it('are named, and stop nobody else', async () => {
    await using store = await used()
    const [lease] = await putLeases(store, {})
    await store.beside(`update tasks set status = 'active' where id = '${store.over}'`)
    await store.beside(`update leases set deadline = deadline + 1 where id = '${lease!.id}'`)
    await opens(store)
    expect(store.intrusion()).toEqual({
      doubts: [],
      damaged: [
        { table: 'tasks', row: store.over },
        { table: 'leases', row: lease!.id },
      ],
    })
  })

  it('of a lease: nobody knows whose it is, so everybody holds all of it until it is over', async () => {
    await using store = await sqliteStore()
    const [lease] = await putLeases(store, {})
    await store.beside(
      "update leases set agent = 'nobody', classes = '[]', status = 'revoked', due_at = null",
    )
    const held = () =>
      store.unit.write((tx) => store.leases.lockHeld(tx, { agent: 'refactor-bot', identity, tasks: [] }))
    expect(await held()).toEqual([...classes])
    await store.unit.write(async (tx) => {
      await store.leases.suspect(tx, lease!.id, { dueAt: noon, standsUntil: noon + hour })
      await store.leases.move(tx, lease!.id, 'revoked', { handle: null, dueAt: null })
    })
    expect(await held()).toEqual([])
  })
})

it('a lease that is damaged is due, whatever state its row says that it is in; a sound one is left alone', async () => {
  await using store = await sqliteStore()
  const [damaged, sound] = await putLeases(store, { dueAt: noon + hour }, { dueAt: noon + hour })
  await store.beside(`update leases set status = 'revoked', due_at = null where id = '${damaged!.id}'`)
  const suspect = (id: string) =>
    store.unit.write((tx) => store.leases.suspect(tx, id, { dueAt: noon, standsUntil: noon + hour }))
  expect([await suspect(damaged!.id), await suspect(damaged!.id), await suspect(sound!.id)]).toEqual([
    true,
    false,
    false,
  ])
  const due = await store.unit.read((tx) => store.leases.due(tx, noon, () => false))
  expect(due).toMatchObject([{ id: damaged!.id, status: 'revoking' }])
})

describe('what somebody else has altered, once the broker has changed it', () => {
  /** Alters what is in the table, has the broker do something, and puts all rows of the table back as they were before. */
  async function around(store: SqliteSubject, table: string, alter: string, doing: () => Promise<unknown>) {
    const kept = `attach '${store.path}-kept' as kept`
    await store.beside(`${kept}; create table kept.rows as select * from ${table}`)
    await store.beside(alter)
    await doing()
    await store.beside(`${kept}; delete from ${table}; insert into ${table} select * from kept.rows`)
    expect(store.intrusion().doubts).toEqual([])
  }

  it('a task that was ended cannot be put back as it was', async () => {
    await using store = await sqliteStore()
    const task = await opens(store)
    await around(store, 'tasks', "update tasks set purpose = 'other'", () =>
      store.unit.write((tx) => store.tasks.end(tx, task.id, 'revoked', 'revoked', noon)),
    )
    await expectNothingGranted(store, task.id)
    await store.reopen()
    await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
  })

  it('a lease that was revoked, and one that was altered twice, cannot be either', async () => {
    await using store = await used()
    const [lease] = await putLeases(store, {})
    const retire = () =>
      store.unit.write((tx) => store.leases.move(tx, lease!.id, 'revoking', { dueAt: noon }))
    await around(store, 'leases', 'update leases set deadline = deadline + 1', retire)
    await expectNothingGranted(store, store.open)
  })

  it('stays altered under its new MAC, also for who starts later', async () => {
    await using store = await used()
    await store.beside(`update tasks set purpose = 'other' where id = '${store.open}'`)
    await store.unit.write((tx) => store.tasks.end(tx, store.open, 'revoked', 'revoked', noon))
    await store.reopen()
    expect(store.intrusion()).toEqual({ doubts: [], damaged: [{ table: 'tasks', row: store.open }] })
    await opens(store)
  })

  it.each([
    ['a count that was emptied', "update counts set value = '{}'"],
    ['a count that was given another key', "update counts set key = 'x' || key"],
    ['a count that is no JSON', "update counts set value = 'x'"],
    ['a count that says nothing', "update counts set value = 'null'"],
  ])('%s is not counted on with what has come since', async (_what, alter) => {
    await using store = await used()
    await around(store, 'counts', alter, () => opens(store))
    await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
  })
})

async function kindsIn(steps: AsyncIterable<readonly unknown[]>): Promise<number> {
  let kinds = 0
  for await (const some of steps) kinds += some.length
  return kinds
}

const faultsOf = async (store: SqliteSubject) =>
  (await verified(store)).discrepancies.filter(({ message }) => /count/.test(message))

describe('counts that were altered', () => {
  const whose = { agent: 'refactor-bot' }
  const counted = (store: SqliteSubject, how: 'read' | 'write' = 'write') =>
    store.unit[how](async (tx) => ({
      open: (await store.tasks.countOpen(tx, whose)).all,
      held: await store.leases.lockHeld(tx, { ...whose, identity, tasks: [] }),
      live: (await store.leases.countUnfinished(tx, whose, 'none')).agent,
      byStatus: await store.leases.countByStatus(tx),
      tasks: await store.tasks.countByStatus(tx),
      kinds: await kindsIn(store.leases.unsettledKinds(tx)),
    }))

  it.each([
    ['emptied', "update counts set value = '{}'"],
    ['given another key', "update counts set key = 'x' || key"],
    ['given the key of nobody', "update counts set key = 'agent zz' where key = 'agent refactor-bot'"],
    ['made no JSON', "update counts set value = 'x'"],
    ['made to say nothing', "update counts set value = 'null'"],
  ])('and %s: the rows themselves are counted, and all else goes on', async (_what, alter) => {
    await using store = await used()
    const [lease] = await putLeases(store, { dueAt: noon + hour }, { dueAt: noon + hour })
    const before = await counted(store)
    expect(before).toMatchObject({ held: ['write'], live: 2, kinds: 1 })
    await store.beside(alter)
    const task = await opens(store)
    for (const how of ['write', 'read'] as const) {
      const { open, held, live, kinds } = await counted(store, how)
      expect({ open: open - 1, held, live, kinds }).toMatchObject({
        open: before.open,
        held: before.held,
        live: before.live,
      })
      expect(kinds).toBeGreaterThan(0)
    }
    await store.unit.write((tx) => store.tasks.end(tx, task.id, 'completed', 'completed', noon))
    await store.unit.write((tx) => store.leases.move(tx, lease!.id, 'revoking', { dueAt: noon }))
    await store.unit.write((tx) => store.leases.move(tx, lease!.id, 'revoked', { handle: null, dueAt: null }))
    for (const how of ['write', 'read'] as const)
      expect(await counted(store, how)).toMatchObject({ open: before.open, held: before.held, live: 1 })
    expect(await faultsOf(store)).not.toEqual([])
    await store.reopen()
    expect(await counted(store)).toMatchObject({ open: before.open, held: before.held, live: 1 })
  })

  it('are as the rows say once they were accepted', async () => {
    await using store = await used()
    await putLeases(store, { dueAt: noon + hour })
    await store.beside(
      "update counts set value = 'x'; update counts set key = 'zz' where key like 'provider %'",
    )
    await opens(store)
    const before = await counted(store)
    await store.accept(() => ({ at: noon, type: 'store.accepted', actor: 'broker' }))
    expect(await counted(store)).toEqual(before)
    expect(await faultsOf(store)).toEqual([])
  })
})

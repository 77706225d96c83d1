/** Rows under their MACs: what somebody else writes stays theirs. */
import { describe, expect, it } from 'vitest'
import { unfinishedStatuses } from '../../src/leases/lease.ts'
import { aTask, hour, noon, put, putLeases } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'

const altered = 'it is not as it was written'

describe('a row that somebody else has changed', () => {
  it('stays altered, whatever the broker writes into it afterwards', async () => {
    await using store = await sqliteStore()
    const [lease] = await putLeases(store, {})
    const { id } = lease!
    await store.beside(`update leases set deadline = deadline + ${hour} where id = '${id}'`)
    await store.unit.write(async (tx) => {
      const evidence = { result: 'live', method: 'it was tried', at: noon } as const
      await store.leases.amend(tx, id, unfinishedStatuses, { attempts: 1, evidence })
      await store.leases.move(tx, id, 'revoking', { dueAt: noon })
    })
    expect(await store.unit.read((tx) => store.leases.get(tx, id))).toMatchObject({
      status: 'revoking',
      damaged: altered,
    })
  })

  it('is sound again once it is put back as it was', async () => {
    await using store = await sqliteStore()
    const task = await store.unit.write((tx) => put(store, tx, aTask()))
    const get = () => store.unit.read((tx) => store.tasks.get(tx, task.id))
    await store.beside('update tasks set expires_at = expires_at + 1')
    expect(await get()).toHaveProperty('damaged', altered)
    await store.beside('update tasks set expires_at = expires_at - 1')
    expect(await get()).toEqual(task)
  })

  it('is altered too when it holds another row’s values, MAC and all', async () => {
    await using store = await sqliteStore()
    const [ours, theirs] = await store.unit.write(async (tx) => [
      await put(store, tx, aTask(), 'token of ours'),
      await put(store, tx, aTask({ agent: 'deployer' }), 'token of theirs'),
    ])
    await store.beside(
      `update tasks set (agent, scope, principal, row_mac) =
         (select agent, scope, principal, row_mac from tasks where id = '${theirs.id}')
       where id = '${ours.id}'`,
    )
    expect(await store.unit.read((tx) => store.tasks.byTokenHash(tx, 'token of ours'))).toMatchObject({
      agent: 'deployer',
      damaged: altered,
    })
  })
})

it('a row of another installation with the same seal key counts for nothing here', async () => {
  await using here = await sqliteStore()
  await using there = await sqliteStore()
  const task = await there.unit.write((tx) => put(there, tx, aTask()))
  await here.beside(
    `attach '${there.path}' as there;
     insert into tasks select * from there.tasks`,
  )
  expect(await here.unit.read((tx) => here.tasks.get(tx, task.id))).toHaveProperty('damaged', altered)
})

it('text that cannot be stored as it is does not make its row an altered one', async () => {
  await using store = await sqliteStore()
  const task = await store.unit.write((tx) => put(store, tx, aTask({ purpose: 'half \ud83d of a pair' })))
  const kept = await store.unit.read((tx) => store.tasks.get(tx, task.id))
  expect(kept).toEqual({ ...task, purpose: 'half \ufffd of a pair' })
})

/** What a store written before a migration becomes. */
import { expect, it } from 'vitest'
import { openSqliteReadOnly } from '../../src/store/sqlite.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { putLeases } from '../support/store.ts'

it('a lease from before identities were kept holds its classes for the identity of its task', async () => {
  await using store = await sqliteStore()
  const [lease, orphan] = await putLeases(store, { classes: ['deploy'] }, { classes: ['admin'] })
  await store.beside(`
    insert into tasks (ordinal, id, status, agent, owner, issuer, principal, purpose, scope, ttl, context, parent, root,
      depth, created_at, expires_at, ended_at, end_reason, token_hash) select 1000000 + ordinal, 'spoilt', status, agent, owner, issuer, '{', purpose, scope, ttl,
      context, parent, root, depth, created_at, expires_at, ended_at, end_reason, 'another' from tasks;
    update leases set task = 'spoilt' where id = '${orphan!.id}';
    drop index leases_identity;
    alter table leases drop column identity;
    drop index leases_fingerprint;
    drop index leases_failing;
    drop index idempotency_task;
    alter table approvals drop column policies;
    drop table counts;
    drop table cursors;
    drop table brokers;
    alter table tasks drop column broker;
    alter table leases drop column broker;
    drop table delegations;
    drop index tasks_parent;
    drop index tasks_silent;
    alter table tasks drop column bounded;
    alter table tasks drop column heartbeat;
    alter table tasks drop column silent_at;
    delete from kysely_migration where name >= '0008'`)
  await store.reopen()
  // By somebody who does not know that the orphan was altered: else it is held by everybody.
  const { unit, close } = await openSqliteReadOnly(store.path, store.seal)
  const held = (agent: string) =>
    unit.read((tx) => store.leases.lockHeld(tx, { agent, identity: lease!.identity, tasks: [] }))
  expect(await held('nobody')).toEqual(['deploy'])
  expect((await held(orphan!.agent)).toSorted()).toEqual(['admin', 'deploy'])
  await close()
})

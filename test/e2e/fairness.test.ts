/** Nobody's credential waits for somebody else's trouble (invariant I4). */
import { afterAll, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { githubConnection } from '../../src/sandbox/configuration.ts'
import { startGithub } from '../../src/sandbox/github.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { revokes } from '../support/github.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const globex = await startGithub(systemClock(), createLedger(systemClock()), {
  owner: 'globex',
  repositories: ['api'],
})
const broker = await sharedBroker({
  settings: ({ github }) => ({
    providers: {
      github: [
        githubConnection(github),
        {
          ...githubConnection(globex),
          name: 'globex',
          private_key: { file: './globex.pem' },
          owners: ['globex'],
        },
      ],
    },
    limits: {
      live_leases: { task: 500, agent: 500 },
    },
  }),
  files: {
    'globex.pem': globex.privateKey,
    ...agentFiles('api-bot', {}, 'globex'),
    ...agentFiles('other-bot'),
  },
})
// Before the broker, which would wait for what hangs there.
afterAll(() => globex.close())
const { github, ledger } = broker.sandbox
const api = { type: 'github', repositories: ['globex/api'], permissions: { contents: 'write' } }

test('a dead connection does not delay a healthy one', async () => {
  globex.faults.add({ kind: 'hang', on: revokes })
  const { body: stuck } = await broker.open({ authorization_details: [api] }, { sub: subjectOf('api-bot') })
  // More than there are slots.
  await Promise.all(Array.from({ length: 40 }, () => broker.mint(stuck, api)))
  const completing = broker.complete(stuck)
  await until(() => globex.requests.filter(revokes).length === 32)

  const { body: task } = await broker.open({ ttl: 1 })
  const { body: minted } = await broker.mint(task)
  const entry = ledger.find(minted.credential.token)!
  await until(() => entry.revokedAt)
  expect(entry.revokedAt! - Date.parse(task.expires_at)).toBeLessThan(1000)
  await globex.close()
  await completing
})

test('an agent with very many due leases does not starve another', async () => {
  // Each revocation takes 200 ms: 300 of them, 32 at a time, keep GitHub busy for about two seconds.
  const { body: greedy } = await broker.open({ ttl: 3600 })
  for (let round = 0; round < 6; round += 1)
    await Promise.all(Array.from({ length: 50 }, () => broker.mint(greedy)))
  const { body: task } = await broker.open({}, { sub: subjectOf('other-bot') })
  const { body: minted } = await broker.mint(task)
  const modest = ledger.find(minted.credential.token)!
  const slow = github.faults.add({ kind: 'slow', ms: 200, on: revokes })

  const crowd = broker.complete(greedy)
  await until(() => slow.hits >= 32)
  await broker.complete(task)

  const ahead = ledger.entries.filter(({ revokedAt }) => revokedAt! < modest.revokedAt!)
  expect(ahead.length).toBeGreaterThanOrEqual(30)
  expect(ahead.length).toBeLessThan(150)
  await crowd
  expect(ledger.alive()).toEqual([])
})

import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { mints } from '../support/github.ts'
import { rawRequest } from '../support/raw-http.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { github, ledger } = broker.sandbox

test('a client goes away while its credential is being minted: it is revoked at once', async () => {
  const { body: task } = await broker.open({ ttl: 3600 })
  const slow = github.faults.add({ kind: 'slow', ms: 200, on: mints, times: 1 })
  const headers = ['Authorization', `Bearer ${task.task_token}`, 'Content-Type', 'application/json']
  const asking = rawRequest(`${broker.url}/v1/tasks/${task.id}/credentials`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ authorization_detail: writeWeb }),
  })
  const over = new Promise((resolve) => asking.once('close', resolve))
  asking.once('error', () => {})
  await until(() => slow.hits === 1)
  asking.destroy()
  await over

  await until(async () => (await broker.read(task)).body.leases[0].status === 'revoked', 5_000)

  expect(ledger.entries).toHaveLength(1)
  expect(ledger.alive()).toEqual([])
  expect(ledger.entries[0]).toMatchObject({ uses: 0 })
  expect((await broker.read(task)).body.status).toBe('active')
})

/** A reload that takes away what many tasks stand on. */
import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { revokes } from '../support/github.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { filesOf } from '../support/broker-files.ts'

const count = 300
const broker = await sharedBroker({ settings: { limits: { live_leases: { agent: count, task: 1 } } } })
const { github, ledger } = broker.sandbox
const files = await filesOf(broker, 'policies/acme.cedar')

test('the credentials of the first die while the last are still being decided', async () => {
  await Promise.all(
    Array.from({ length: count }, async () => {
      const { body: task } = await broker.open()
      await broker.mint(task)
    }),
  )
  expect(ledger.alive()).toHaveLength(count)
  const undecided: number[] = []
  github.faults.add({
    kind: 'rewrite',
    on: revokes,
    times: 1,
    rewrite(answer) {
      undecided.push(rows(broker, 'tasks', "status = 'active'").length)
      return answer
    },
  })
  await files.remove('policies/acme.cedar')
  await files.write('policies/none.cedar', '')
  expect((await files.reload()).status).toBe(200)
  expect(undecided[0]).toBeGreaterThan(0)
  expect(ledger.alive()).toEqual([])
})

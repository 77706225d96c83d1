/** `mayfly run` where upstream minted something that nobody heard of: it is made again, and what nobody was given is nothing to tell. */
import { expect, test } from 'vitest'
import { mints } from '../support/github.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test('a command that succeeded has its exit status, and nothing is said of a credential that was never handed out', async () => {
  const lost = broker.sandbox.github.faults.add({
    kind: 'reset-after-processing',
    times: 1,
    on: mints,
  })
  const words = ['run', '--purpose', 'a test', '--scope', 'github:acme/web:contents=read', '--', 'true']
  const { status, stderr } = await mayfly(words, {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  expect({ status, stderr, hits: lost.hits }).toEqual({ status: 0, stderr: '', hits: 1 })
  const [unheard, ...handedOut] = broker.sandbox.ledger.entries
  expect(await broker.use(unheard!.secret)).toBe(200)
  expect(handedOut).not.toEqual([])
  for (const { secret } of handedOut) expect(await broker.use(secret)).toBe(401)
})

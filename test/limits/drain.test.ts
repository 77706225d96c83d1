/** SIGTERM: what is under way is finished, what is new is refused, and it exits with 0. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMayfly } from '../support/mayfly.ts'
import { discrepancies } from '../support/audit.ts'
import { readWeb, startTestBroker, type TestBroker } from '../support/broker.ts'
import { mints, revokes } from '../support/github.ts'
import { until } from '../support/until.ts'

/** Its folder and sandbox are used; `serve` takes its place. */
let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
  await broker.stop()
})
afterAll(() => broker[Symbol.asyncDispose]())

const start = async () => {
  const served = startMayfly(['serve', '-c', broker.file])
  await served.printed('"listening"')
  return served
}
/** A connection of its own, so that a refusal is of the connection. */
const refused = () =>
  fetch(`${broker.url}/healthz`, { headers: { Connection: 'close' } }).then(
    () => false,
    () => true,
  )

test('a mint under way is delivered, new connections are refused, and it is over soon after', async () => {
  const served = await start()
  const { github, ledger } = broker.sandbox
  const { body: task } = await broker.open()
  const slow = github.faults.add({ kind: 'slow', ms: 700, on: mints, times: 1 })
  const minting = broker.mint(task, readWeb)
  await until(() => slow.hits === 1)
  served.process.kill('SIGTERM')
  await served.printed('"stopping"')
  await until(refused)
  const { status, body } = await minting
  expect(status).toBe(201)
  const answered = performance.now()
  expect(await served.ended).toMatchObject({ status: 0, stderr: '' })
  // Well before the client would let go of the connection, which it keeps for its next request.
  expect(performance.now() - answered).toBeLessThan(2_000)
  expect(ledger.alive().map(({ secret }) => secret)).toEqual([body.credential.token])
  expect(await discrepancies(broker)).toEqual([])
})

test('a connection kept open, with nothing asked on it, does not keep the broker', async () => {
  const served = await start()
  for (let count = 0; count < 5; count += 1) await broker.call('GET', '/healthz')
  const at = performance.now()
  served.process.kill('SIGTERM')
  expect((await served.ended).status).toBe(0)
  expect(performance.now() - at).toBeLessThan(4_000)
})

test('a revocation under way is finished, and recorded', async () => {
  const served = await start()
  const { github, ledger } = broker.sandbox
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task, readWeb)
  const slow = github.faults.add({ kind: 'slow', ms: 500, on: revokes, times: 1 })
  const completing = broker.complete(task)
  await until(() => slow.hits === 1)
  served.process.kill('SIGTERM')
  expect((await completing).body.leases).toMatchObject([{ status: 'revoked' }])
  expect((await served.ended).status).toBe(0)
  expect(ledger.find(minted.credential.token)!.revokedAt).toBeDefined()
  expect(await discrepancies(broker)).toEqual([])
})

/** The federation key is one row among many: spoilt, it signs nothing, and everything else goes on. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { filesOf } from '../support/broker-files.ts'
import { beside, rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { configure, write } = await filesOf(broker)
const put = (value: string) =>
  beside(broker, (db) => db.prepare('update federation_keys set sealed = ?').run(value))

test.each([
  ['no seal made it', 'garbage'],
  ['altered', `k1.${'A'.repeat(60)}`],
  ['under an older key', `k0.${'A'.repeat(60)}`],
])('%s: the broker starts, serves and revokes', async (_how, sealed) => {
  await broker.call('GET', '/.well-known/jwks.json')
  await broker.stop()
  const kept = rows(broker, 'federation_keys')[0]!['sealed']!
  put(sealed)
  await write('k0.key', randomBytes(32).toString('base64'))
  await configure(({ seal }) => (seal.keys[1] = { id: 'k0', secret: { file: './k0.key' } }))
  await broker.start()
  const { body: task } = await broker.open()
  expect((await broker.mint(task)).status).toBe(201)
  expect((await broker.complete(task)).body.leases).toMatchObject([{ status: 'revoked' }])
  await broker.stop()
  put(kept)
  await broker.start()
})

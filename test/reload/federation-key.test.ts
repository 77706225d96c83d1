import { randomBytes } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { filesOf } from '../support/broker-files.ts'

const broker = await sharedBroker()
const { configure, reload, restore, write } = await filesOf(broker)
const published = async () => (await broker.call('GET', '/.well-known/jwks.json')).body.keys[0].kid
const later = { id: 'k2', secret: { file: './k2.key' } }

beforeEach(async () => {
  await restore()
  await write('k2.key', randomBytes(32).toString('base64'))
})

test('the federation key survives the retirement of the seal key that sealed it', async () => {
  const kid = await published()
  await configure(({ seal }) => seal.keys.unshift(later))
  expect((await reload()).status).toBe(200)
  await configure(({ seal }) => (seal.keys = [later]))
  expect((await reload()).status).toBe(200)
  await broker.stop()
  await broker.start()
  expect(await published()).toBe(kid)
})

test('a seal key that the federation key is still sealed with is not to be removed', async () => {
  await configure(({ seal }) => (seal.keys = [{ id: 'k3', secret: later.secret }]))
  const refused = await reload()
  expect(refused.status).toBe(409)
  expect(refused.body.detail).toMatch(/federation key is sealed with the key/)
})

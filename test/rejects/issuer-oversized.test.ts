import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { discoveryPath, keysPath } from '../support/issuer.ts'

test.each([
  ['discovery document', discoveryPath],
  ['key set', keysPath],
])('a %s without end is cut off', async (what, path) => {
  await using broker = await trusting()
  let sent = 0
  broker.issuer.answers.set(path, (_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(16_384))) sent += 16_384
      response.once('drain', more)
    }
    more()
  })
  const outcome = broker.verify(broker.issuer.token())
  await expect(outcome).rejects.toMatchObject(refused(`${what} is larger than 262144 bytes`))
  expect(sent).toBeLessThan(64 * 1024 * 1024)
})

test('a key set that is large only once decompressed is cut off', async () => {
  await using broker = await trusting()
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
  expect(bomb.length).toBeLessThan(262_144)
  broker.issuer.answers.set(keysPath, (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  )
  const outcome = broker.verify(broker.issuer.token())
  await expect(outcome).rejects.toMatchObject(refused('key set is larger than 262144 bytes'))
})

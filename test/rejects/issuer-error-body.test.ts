import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { trusting } from '../support/trust.ts'
import { discoveryPath, keysPath } from '../support/issuer.ts'

test.each([
  [discoveryPath, 200, 'invalid_token'],
  [discoveryPath, 400, 'invalid_token'],
  [discoveryPath, 404, 'invalid_token'],
  [discoveryPath, 429, 'unavailable'],
  [discoveryPath, 500, 'unavailable'],
  [keysPath, 200, 'invalid_token'],
  [keysPath, 403, 'invalid_token'],
  [keysPath, 503, 'unavailable'],
])('what %s says with a %i is not passed on (%s)', async (path, status, code) => {
  await using broker = await trusting()
  broker.issuer.answers.set(path, (_request, response) =>
    response.writeHead(status, 'internal-words', { 'x-detail': 'internal-words' }).end('internal-words'),
  )
  const error: unknown = await broker.verify(broker.issuer.token()).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code })
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain('internal-words')
})

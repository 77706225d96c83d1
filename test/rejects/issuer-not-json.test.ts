import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { discoveryPath, keysPath } from '../support/issuer.ts'

test.each([
  [discoveryPath, '<html>', 'discovery document is not JSON'],
  [discoveryPath, '', 'discovery document is not JSON'],
  [discoveryPath, 'null', 'discovery document has no issuer'],
  [discoveryPath, '[]', 'discovery document has no issuer'],
  [keysPath, '{"keys":', 'key set is not JSON'],
  [keysPath, '"\xff"', 'key set is not JSON'],
  [keysPath, '{"keys":{}}', 'key set has no list of keys'],
  [keysPath, '{}', 'key set has no list of keys'],
  [keysPath, '{"keys":[]}', 'key set has no usable key'],
])('what %s answers is refused if it is %j', async (path, body, reason) => {
  await using broker = await trusting()
  broker.issuer.answers.set(path, (_request, response) => response.end(Buffer.from(body, 'latin1')))
  await expect(broker.verify(broker.issuer.token())).rejects.toMatchObject(
    refused(`issuer acme: its ${reason}`),
  )
})

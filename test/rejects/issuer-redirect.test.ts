import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { discoveryPath, keysPath } from '../support/issuer.ts'

test.each([301, 302, 303, 307, 308])(
  'a redirect (%i) of discovery to another host is not followed',
  async (status) => {
    await using broker = await trusting()
    const { issuer, other } = broker
    issuer.answers.set(discoveryPath, (_request, response) =>
      response.writeHead(status, { location: other.url + discoveryPath }).end(),
    )
    await expect(broker.verify(issuer.token())).rejects.toMatchObject(
      refused('discovery document is a redirect'),
    )
    expect(other.requests).toEqual([])
  },
)

test('a redirect of the key set is not followed, even on its own host', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  issuer.answers.set(keysPath, (_request, response) =>
    response.writeHead(302, { location: '/other-keys' }).end(),
  )
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(refused('key set is a redirect'))
  expect(issuer.requests).toEqual([discoveryPath, keysPath])
})

test('an endless redirect costs one request', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  issuer.answers.set(discoveryPath, (_request, response) =>
    response.writeHead(302, { location: discoveryPath }).end(),
  )
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(refused('is a redirect'))
  expect(issuer.requests).toEqual([discoveryPath])
})

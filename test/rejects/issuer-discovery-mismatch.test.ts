import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { discoveryPath, json } from '../support/issuer.ts'

test.each(['https://other.test', '/', ''])(
  'a discovery document whose issuer is not exactly the configured one is refused: %j',
  async (suffix) => {
    await using broker = await trusting()
    const { issuer } = broker
    const named = suffix.startsWith('https') ? suffix : suffix === '' ? undefined : issuer.url + suffix
    issuer.answers.set(discoveryPath, (_request, response) =>
      json(response, { issuer: named, jwks_uri: `${issuer.url}/keys` }),
    )
    await expect(broker.verify(issuer.token())).rejects.toMatchObject(
      refused('issuer acme: its discovery document'),
    )
    expect(issuer.requests).toEqual([discoveryPath])
  },
)

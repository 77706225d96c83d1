import { expect, test } from 'vitest'
import { refused, trusting, type Trusting } from '../support/trust.ts'
import { discoveryPath, json } from '../support/issuer.ts'

const foreign: [string, (broker: Trusting) => unknown][] = [
  ['on another port', ({ other }) => `${other.url}/keys`],
  ['on a private host', () => 'http://169.254.169.254/latest/meta-data'],
  ['of another scheme', ({ issuer }) => issuer.url.replace('http:', 'https:')],
  ['with a user name', ({ issuer }) => `${issuer.url.replace('//', '//user@')}/keys`],
  ['behind a user name', ({ issuer, other }) => `${issuer.url}@${other.url.slice(7)}/keys`],
  ['that is a data: URL', () => 'data:application/json,{"keys":[]}'],
  ['that is a file', () => 'file:///etc/passwd'],
  ['that is relative', () => '/keys'],
]

test.each(foreign)('a jwks_uri %s is not followed', async (_what, uri) => {
  await using broker = await trusting()
  const { issuer, other } = broker
  issuer.answers.set(discoveryPath, (_request, response) =>
    json(response, { issuer: issuer.url, jwks_uri: uri(broker) }),
  )
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(refused("not on the issuer's own origin"))
  expect([...issuer.requests, ...other.requests]).toEqual([discoveryPath])
})

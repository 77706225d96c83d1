import { expect, it } from 'vitest'
import { loadWith, onlyFault, settings } from '../support/installation.ts'

const withIssuer = (issuer: string) => loadWith({ issuers: { ...settings.issuers, plain: { issuer } } })

it.each(['http://ci.example', 'http://10.0.0.7', 'http://127.0.0.1.example'])(
  'an issuer over http off loopback is refused: %s',
  async (issuer) => {
    expect(onlyFault(await withIssuer(issuer)).path).toBe('issuers.plain.issuer')
  },
)

it('on loopback it is not', async () => {
  expect((await withIssuer('http://127.0.0.1:9000')).configuration).toBeDefined()
})

import { expect, it } from 'vitest'
import { loadWith, onlyFault, settings } from '../support/installation.ts'

it.each(['https://mayfly.acme.example', 'https://mayfly.acme.example/'])(
  'the broker itself is refused as an issuer: %s',
  async (issuer) => {
    const issuers = { ...settings.issuers, self: { issuer, tenancy: 'single' } }
    expect(onlyFault(await loadWith({ issuers })).path).toBe('issuers.self.issuer')
  },
)

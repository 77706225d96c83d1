import { expect, it } from 'vitest'
import { loadWith, onlyFault, settings } from '../support/installation.ts'

it('an issuer that stands there twice is refused', async () => {
  const issuers = { ...settings.issuers, again: { ...settings.issuers.okta, max_age: 60 } }
  expect(onlyFault(await loadWith({ issuers }))).toMatchObject({
    path: 'issuers.again.issuer',
    message: expect.stringContaining('okta'),
  })
})

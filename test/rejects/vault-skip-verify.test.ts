import { afterEach, expect, test, vi } from 'vitest'
import { connectVault } from '../support/vault-sandbox.ts'

afterEach(() => vi.unstubAllEnvs())

test.each(['1', 'true', 'false', ''])('VAULT_SKIP_VERIFY=%j stops the start', (value) => {
  vi.stubEnv('VAULT_SKIP_VERIFY', value)
  expect(() => connectVault()).toThrow(/VAULT_SKIP_VERIFY is set/)
})

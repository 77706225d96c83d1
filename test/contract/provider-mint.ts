import { describe, expect, test } from 'vitest'
import { redact } from '../../src/broker/logger.ts'
import type { Trial } from './provider-trial.ts'

export function mintContract<Config, Detail>(trial: Trial<Config, Detail>): void {
  const { mint, entryOf, alive } = trial

  describe('minting', () => {
    test('gives one live credential of its own per call, also to concurrent calls for the same thing', async () => {
      const before = alive().length
      const minted = await Promise.all([mint(), mint(), mint()])
      expect(alive()).toHaveLength(before + 3)
      expect(new Set(minted.map(entryOf)).size).toBe(3)
      expect(new Set(minted.map(({ fingerprint }) => fingerprint)).size).toBe(3)
    })

    test('tells when the credential dies by itself', async () => {
      const minted = await mint()
      expect(Math.abs(minted.expiresAt - entryOf(minted).expiresAt)).toBeLessThan(1000)
    })

    test("names the credential as upstream's audit log does, which is not the secret", async () => {
      const minted = await mint()
      expect(minted.fingerprint).toBe(entryOf(minted).fingerprint)
      expect(minted.fingerprint).not.toContain(trial.subject.secretOf(minted))
    })

    test('calls one string of the credential the access token, if any', async () => {
      const { accessToken, credential } = await mint()
      if (accessToken !== undefined) expect(Object.values(credential)).toContain(accessToken)
    })

    test('gives out an access token that the logger would know', async () => {
      const { accessToken } = await mint()
      if (accessToken !== undefined) expect(redact(`with ${accessToken}`)).toBe('with [redacted]')
    })

    test('says nothing of more than was asked when upstream gave what was asked', async () => {
      expect((await mint()).wider).toBeUndefined()
    })
  })
}

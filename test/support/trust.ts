import { expect } from 'vitest'
import type { z } from 'zod'
import { compileIssuer, issuerConfig } from '../../src/identity/issuer.ts'
import { verify, type VerifiedToken } from '../../src/identity/verify.ts'
import { manualClock, type ManualClock } from './clock.ts'
import { startIssuer, testAudience, type TestIssuer } from './issuer.ts'

/** A broker's identity side that trusts one issuer, named `acme`, or several. */
export interface Trusting extends AsyncDisposable {
  clock: ManualClock
  issuer: TestIssuer
  /** A second one, named `other`. */
  other: TestIssuer
  verify(token: string): Promise<VerifiedToken>
}

/** Starts two issuers and trusts both; `config` configures the first. */
export async function trusting(config: Partial<z.input<typeof issuerConfig>> = {}): Promise<Trusting> {
  const clock = manualClock()
  const issuer = await startIssuer(clock)
  const other = await startIssuer(clock)
  const compile = (name: string, entry: z.input<typeof issuerConfig>) =>
    compileIssuer(name, issuerConfig.parse(entry), { fetch, clock, defaultAudience: testAudience })
  const issuers = new Map([
    [issuer.url, compile('acme', { issuer: issuer.url, ...config })],
    [other.url, compile('other', { issuer: other.url })],
  ])
  return {
    clock,
    issuer,
    other,
    verify: (token) => verify(token, issuers, { clock }),
    async [Symbol.asyncDispose]() {
      await issuer[Symbol.asyncDispose]()
      await other[Symbol.asyncDispose]()
    },
  }
}

/** What a refused token is refused with: the code, and a part of the message. */
export function refused(reason: string): Record<string, unknown> {
  return { code: 'invalid_token', message: expect.stringContaining(reason) }
}

import { onTestFinished } from 'vitest'
import { createLedger, type Ledger } from '../../src/sandbox/ledger.ts'
import { startVault, type SandboxVault, type VaultSettings } from '../../src/sandbox/vault.ts'
import { manualClock, type ManualClock } from '../support/clock.ts'

interface Answer {
  status: number
  // Whatever Vault says: the claims of the tests are about it.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

export interface World {
  vault: SandboxVault
  ledger: Ledger
  clock: ManualClock
  /** A request below `/v1/`, with the broker's token unless another is given; a GET where there is no body. */
  call: (path: string, body?: unknown, token?: string) => Promise<Answer>
  /** Creates a token; its `auth`. */
  create: (asked?: object, path?: string, token?: string) => Promise<Answer['body']>
  /** Whether the database lets in. */
  logIn: (credentials: unknown) => Promise<boolean>
}

export const orphan = 'auth/token/create-orphan'

/** A local Vault whose time stands still, closed when the test is over. */
export async function world(settings: Partial<VaultSettings> = {}): Promise<World> {
  const clock = manualClock()
  const ledger = createLedger(clock)
  const vault = await startVault(clock, ledger, settings)
  onTestFinished(() => vault.close())

  const call: World['call'] = async (path, body, token = vault.token) => {
    const response = await fetch(`${vault.url}/v1/${path}`, {
      headers: { 'x-vault-token': token },
      ...(body !== undefined && {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    })
    const text = await response.text()
    return { status: response.status, body: text && JSON.parse(text) }
  }
  return {
    vault,
    ledger,
    clock,
    call,
    create: async (asked = { policies: ['ci-read'] }, path = orphan, token = vault.token) =>
      (await call(path, asked, token)).body.auth,
    async logIn(credentials) {
      const body = JSON.stringify(credentials)
      return (await fetch(`${vault.url}/database/login`, { method: 'POST', body })).status === 204
    },
  }
}

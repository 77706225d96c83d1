/** What a token leaves behind, on a real OpenBao or Vault: the rows of "What outlives a token" in docs/providers/vault.md. */
import { afterAll, describe, expect, test } from 'vitest'
import { realVault, type RealVault } from './vault-server.ts'

const real = await realVault()
if (real) describe('a token that has ended', () => leavings(real))
else test.skip('no bao or vault is on PATH, nor on this machine at VAULT_ADDR with VAULT_TOKEN', () => {})

async function leavings(real: RealVault) {
  const name = `mayfly-test-${crypto.randomUUID().slice(0, 8)}`
  const [approle, pki, kv] = [`${name}-approle`, `${name}-pki`, `${name}-kv`]
  await real.set('POST', `sys/auth/${approle}`, { type: 'approle' })
  await real.set('POST', `auth/${approle}/role/ci`, { token_policies: [name] })
  await real.set('POST', `sys/mounts/${pki}`, { type: 'pki' })
  await real.set('POST', `${pki}/root/generate/internal`, { common_name: 'test.example', ttl: '1h' })
  await real.set('POST', `${pki}/roles/web`, { allow_any_name: true, ttl: '10m' })
  await real.set('POST', `sys/mounts/${kv}`, { type: 'kv', options: { version: '1' } })
  await real.set('POST', `${kv}/ci`, { password: 'of-a-test' })
  const rules = [`auth/token/*`, `auth/${approle}/*`, `${pki}/*`, `${kv}/*`, 'cubbyhole/*']
  await real.set('POST', `sys/policies/acl/${name}`, {
    policy: rules
      .map((path) => `path "${path}" { capabilities = ["create", "read", "update", "sudo"] }`)
      .join('\n'),
  })
  afterAll(async () => {
    for (const path of [
      `sys/auth/${approle}`,
      `sys/mounts/${pki}`,
      `sys/mounts/${kv}`,
      `sys/policies/acl/${name}`,
    ])
      await real.set('DELETE', path)
    await real.close()
  })

  // oxlint-disable-next-line no-explicit-any -- answers of another's
  type Told = { status: number; body: any }
  const ask = async (
    token: string,
    path: string,
    given: { body?: unknown; headers?: object } = {},
  ): Promise<Told> => {
    const { body, headers } = given
    const response = await fetch(`${real.url}/v1/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-vault-token': token, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  /** As the broker makes one for a task. */
  const make = async () => {
    const { body } = await ask(real.root, 'auth/token/create-orphan', {
      body: {
        policies: [name],
        no_default_policy: true,
        renewable: false,
        ttl: '600s',
        explicit_max_ttl: '600s',
      },
    })
    return { token: String(body.auth.client_token), accessor: String(body.auth.accessor) }
  }
  const end = async ({ accessor }: { accessor: string }) => {
    const { status } = await ask(real.root, 'auth/token/revoke-accessor', { body: { accessor } })
    expect(status).toBe(204)
  }
  const works = async (token: string) => (await ask(token, `${kv}/ci`)).status === 200

  test.each([
    ['a child', 'auth/token/create', {}, false],
    ['a batch child', 'auth/token/create', { type: 'batch' }, false],
    ['a child without a parent', 'auth/token/create', { no_parent: true }, true],
    ['an orphan', 'auth/token/create-orphan', {}, true],
    ['an orphan that is a batch token', 'auth/token/create-orphan', { type: 'batch' }, true],
  ])('%s (%s %j) lives on: %4$s', async (_, path, body, lives) => {
    const parent = await make()
    const made = await ask(parent.token, path, { body: { policies: [name], ttl: '600s', ...body } })
    const child = String(made.body.auth.client_token)
    expect(await works(child)).toBe(true)
    await end(parent)
    expect(await works(child)).toBe(lives)
  })

  test('a response that it had wrapped is unwrapped all the same', async () => {
    const token = await make()
    const { body } = await ask(token.token, `${kv}/ci`, { headers: { 'x-vault-wrap-ttl': '300s' } })
    await end(token)
    const unwrapped = await ask(String(body.wrap_info.token), 'sys/wrapping/unwrap', { body: {} })
    expect(unwrapped.body.data).toEqual({ password: 'of-a-test' })
  })

  test('a child that it had wrapped is unwrapped, and dead', async () => {
    const token = await make()
    const { body } = await ask(token.token, 'auth/token/create', {
      body: { policies: [name] },
      headers: { 'x-vault-wrap-ttl': '300s' },
    })
    await end(token)
    const unwrapped = await ask(String(body.wrap_info.token), 'sys/wrapping/unwrap', { body: {} })
    expect(await works(String(unwrapped.body?.auth?.client_token))).toBe(false)
  })

  test('a secret id of AppRole logs in all the same', async () => {
    const token = await make()
    const role = (await ask(token.token, `auth/${approle}/role/ci/role-id`)).body.data.role_id
    const secret = (await ask(token.token, `auth/${approle}/role/ci/secret-id`, { body: {} })).body.data
      .secret_id
    await end(token)
    const login = await ask('', `auth/${approle}/login`, { body: { role_id: role, secret_id: secret } })
    expect(await works(String(login.body.auth.client_token))).toBe(true)
  })

  test('a certificate is not revoked', async () => {
    const token = await make()
    const issued = await ask(token.token, `${pki}/issue/web`, { body: { common_name: 'web.example' } })
    await end(token)
    const { body } = await ask(real.root, `${pki}/cert/${issued.body.data.serial_number}`)
    expect(body.data.revocation_time).toBe(0)
  })
}

import { createRequire } from 'node:module'
import { afterEach, expect, test, vi } from 'vitest'
import { lists } from '../support/vault.ts'
import { connectVault, secret } from '../support/vault-sandbox.ts'

afterEach(() => vi.unstubAllEnvs())

test('every request names the namespace, and one that is not there is a refusal', async () => {
  const upstream = connectVault({
    settings: { namespace: 'team-a/prod' },
    config: { namespace: 'team-a/prod' },
  })
  const { handle } = await upstream.mint(secret)
  await upstream.revoke(handle)
  expect(upstream.sent.map(({ headers }) => headers.get('x-vault-namespace'))).toEqual(
    upstream.sent.map(() => 'team-a/prod'),
  )
  upstream.sandbox.settings.namespace = 'elsewhere'
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected' })
})

test('every request says that it comes from a client, as some proxies of Vault’s demand', async () => {
  const upstream = connectVault()
  await upstream.mint(secret)
  expect(upstream.sent.map(({ headers }) => headers.get('x-vault-request'))).toEqual(['true', 'true'])
})

test('what the environment says of some other Vault changes nothing', async () => {
  vi.stubEnv('VAULT_TOKEN', 'of-somebody-else')
  vi.stubEnv('VAULT_NAMESPACE', 'of-somebody-else')
  vi.stubEnv('VAULT_PREFIX', '/of-somebody-else')
  vi.stubEnv('VAULT_ADDR', 'http://127.0.0.1:9')
  const upstream = connectVault()
  await expect(upstream.mint()).resolves.toBeDefined()
  expect(upstream.sent[0]?.headers.has('x-vault-namespace')).toBe(false)
})

test("an environment's token is not sent along with a login", async () => {
  vi.stubEnv('VAULT_TOKEN', 'of-somebody-else')
  const upstream = connectVault({
    config: { auth: { jwt: { mount: 'jwt', role: 'mayfly' } } },
    context: { sign: () => Promise.resolve('a.jwt.here') },
  })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected' })
  expect(upstream.sent).toHaveLength(1)
  expect(JSON.stringify([...upstream.sent[0]!.headers])).not.toContain('of-somebody-else')
})

test('nothing is printed, though DEBUG asks for it', async () => {
  const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const ofNodeVault = createRequire(createRequire(import.meta.url).resolve('node-vault'))
  const debug = ofNodeVault('debug') as { enable(names: string): void; disable(): void }
  debug.enable('node-vault')
  await connectVault().mint()
  debug.disable()
  const output = JSON.stringify(printed.mock.calls)
  printed.mockRestore()
  expect(output).toBe('[]')
})

test('lists are asked for with a GET: LIST does not pass every proxy', async () => {
  const asked: string[] = []
  const upstream = connectVault({
    context: {
      fetch(input, init) {
        asked.push(new URL(input instanceof Request ? input.url : input).href)
        return fetch(input, init)
      },
    },
  })
  await upstream.mint()
  await upstream.recover()
  expect(upstream.requests.filter(lists)).toHaveLength(1)
  expect(asked).toContain(`${upstream.config.address}/v1/auth/token/accessors?list=true`)
})

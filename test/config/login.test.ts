/** How people log in, as a configuration says it: what would open a task with an admin's token is a fault. */
import { expect, test } from 'vitest'
import { loadWith, settings } from '../support/installation.ts'

const login = { client_id: 'mayfly', admin_client_id: 'mayfly-admin' }

async function loaded(issuer: object, admins: object[] = []) {
  const [first] = Object.entries(settings.issuers)
  const [name, entry] = first!
  const { configuration, faults } = await loadWith({
    issuers: { ...settings.issuers, [name]: { ...(entry as object), ...issuer } },
    ...(admins.length > 0 && { admins }),
  })
  const found = [...(configuration?.issuers.values() ?? [])].find((each) => each.name === name)
  return { found, faults: faults.filter(({ path }) => path.startsWith(`issuers.${name}`)), name }
}

test('its client is an audience beside the url, and is asked for a login that is renewed', async () => {
  const { found } = await loaded({ audience: undefined, login })
  expect(found?.audiences).toContain('mayfly')
  expect(found?.audiences).not.toContain('mayfly-admin')
  expect(found?.login?.scopes).toEqual(['openid', 'email', 'offline_access'])
})

test('openid is asked for whatever the scopes are', async () => {
  const { found } = await loaded({ audience: undefined, login: { ...login, scopes: ['groups'] } })
  expect(found?.login?.scopes).toEqual(['openid', 'groups'])
})

test.each<[string, object, string]>([
  ['takes no token of its client', { audience: 'else', login }, 'audience'],
  ['opens tasks with tokens of admins', { audience: ['mayfly', 'mayfly-admin'], login }, 'audience'],
  [
    'has one client for both',
    { login: { client_id: 'mayfly', admin_client_id: 'mayfly' } },
    'login.admin_client_id',
  ],
  ['has no client', { login: {} }, 'login.client_id'],
  ['has a client of two words', { login: { client_id: 'a b' } }, 'login.client_id'],
  ['has a secret', { login: { ...login, client_secret: 'x' } }, 'login.client_secret'],
])('an issuer that %s is a fault', async (_what, issuer, path) => {
  const { found, faults, name } = await loaded(issuer)
  expect(found).toBeUndefined()
  expect(faults.map((fault) => fault.path)).toContain(`issuers.${name}.${path}`)
})

test('a client of admins whose tokens are no admin’s is told of', async () => {
  const { faults } = await loaded({ audience: undefined, login })
  expect(faults).toMatchObject([{ warning: true, path: expect.stringContaining('admin_client_id') }])
})

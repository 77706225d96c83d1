import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

const good = { name: 'acme', app_id: 1, private_key: { file: './app.pem' }, owners: ['acme'] }

test.each([
  ['an unknown key', { appid: 1 }],
  ['a private key inline', { private_key: 'inline' }],
  ['two places for a private key', { private_key: { file: 'a', env: 'B' } }],
  ['no owner', { owners: [] }],
  ['an owner that cannot exist', { owners: ['acme/web'] }],
  ['a wildcard for an owner', { owners: ['*'] }],
  ['app id 0', { app_id: 0 }],
  ['an app id as text', { app_id: '1' }],
  ['an app id with a fraction', { app_id: 1.5 }],
  ['plain http to another machine', { api: 'http://ghes.acme.dev/api/v3' }],
  ['a query in the address', { api: 'https://ghes.acme.dev/api/v3?' }],
  ['a user in the address', { api: 'https://user@ghes.acme.dev/api/v3' }],
  ['.. in the address', { api: 'https://ghes.acme.dev/api/../v3' }],
  ['no name', { name: '' }],
])('a connection with %s is refused', (_, change) => {
  expect(github.config.safeParse(good).success).toBe(true)
  expect(github.config.safeParse({ ...good, ...change }).success).toBe(false)
})

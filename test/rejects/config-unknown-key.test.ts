import { expect, it } from 'vitest'
import { loadWith, onlyFault } from '../support/installation.ts'

it.each<[string, string, object]>([
  ['trusted_proxy', 'trusted_proxies', { trusted_proxy: [] }],
  ['limits.live_lease', 'live_leases', { limits: { live_lease: {} } }],
  ['limits.live_leases.tsak', 'task', { limits: { live_leases: { tsak: 1 } } }],
  ['seal.key', 'keys', { seal: { keys: [{ id: 'k1', secret: { file: './seal.key' } }], key: [] } }],
])('the unknown key %s is refused, and %s suggested', async (path, meant, changes) => {
  expect(onlyFault(await loadWith(changes))).toMatchObject({ path, remedy: `Did you mean \`${meant}\`?` })
})

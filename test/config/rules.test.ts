/** Policies are looked at in CI, where there are no secrets and no upstream. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { providers } from '../../providers/catalog.ts'
import { loadRules } from '../../src/config/rules.ts'
import type { Provider } from '../../src/provider/contract.ts'
import { manualClock } from '../support/clock.ts'
import { load, settings } from '../support/installation.ts'

const entries = {
  github: [
    { name: 'acme', app_id: 1, private_key: { file: './gone.pem' }, owners: ['acme'], ca: './gone.crt' },
  ],
  aws: [
    {
      name: 'prod',
      region: 'eu-west-1',
      roles: [{ arn: 'arn:aws:iam::123456789012:role/a', class: 'read' }],
    },
  ],
  vault: [
    {
      name: 'main',
      address: 'https://vault.acme.example',
      auth: { token: { env: 'NOT_SET_ANYWHERE' } },
      policies: [{ name: 'ci-read', class: 'read' }],
    },
  ],
}

it('rules are compiled from the terms of every provider, and nothing is connected', async () => {
  const { directory } = await load({
    'mayfly.yaml': { ...settings, providers: entries },
    'seal.key': undefined,
  })
  const unconnected = providers.map((provider): Provider => ({
    ...provider,
    connect() {
      throw new Error('this would need its secrets')
    },
  }))
  const file = join(directory, 'mayfly.yaml')
  const { rules, faults } = await loadRules(file, { providers: unconnected, clock: manualClock() })
  expect(faults.filter(({ warning }) => !warning)).toEqual([])
  expect([...rules!.connections].map(({ provider, name }) => `${provider.type}/${name}`)).toEqual([
    'github/acme',
    'aws/prod',
    'vault/main',
  ])
  const { entry } = rules!.connections.resolve({ type: 'vault', policies: ['ci-read'] }, 'scope')
  expect(entry).not.toHaveProperty('upstream')
})

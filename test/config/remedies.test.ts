import { expect, it } from 'vitest'
import { providers } from '../../providers/catalog.ts'
import { loadWith, onlyFault } from '../support/installation.ts'

const github = { name: 'acme', app_id: 1, private_key: { env: 'APP_KEY' }, owners: ['acme'] }
const seal = (secret: object) => ({ seal: { keys: [{ id: 'k1', secret }] } })

it.each<[string, object, { path: string; message?: string; remedy: string }]>([
  [
    'a secret written in both ways',
    seal({ file: './seal.key', env: 'SEAL_KEY' }),
    {
      path: 'seal.keys[0].secret.env',
      message: 'does not go with the keys beside it',
      remedy: 'Keep one of file, env.',
    },
  ],
  [
    'a store that is a number',
    { store: 3 },
    { path: 'store', message: 'is a number, not a string or a map', remedy: 'Write a string or a map.' },
  ],
  [
    'a number that must be greater',
    { providers: { github: [{ ...github, app_id: 0 }] } },
    { path: 'providers.github[0].app_id', remedy: 'Write a number, more than 0.' },
  ],
  [
    'text of another form',
    { providers: { github: [{ ...github, owners: ['acme/web'] }] } },
    { path: 'providers.github[0].owners[0]', remedy: 'Write it in that form.' },
  ],
])('what to do is told of %s', async (_what, changes, told) => {
  const loaded = await loadWith(changes, {}, { providers: [...providers], env: { APP_KEY: 'none' } })
  expect(onlyFault(loaded)).toMatchObject(told)
})

it('limits that limit nobody may be written', async () => {
  const many = 1_000_000_000
  const limits = {
    requests_per_minute: { agent: many, address: many },
    failures_per_minute: { address: many },
    live_leases: { task: many, agent: many },
  }
  const { configuration, faults } = await loadWith({ limits })
  expect(faults).toEqual([])
  expect(configuration!.limits.liveLeases).toEqual({ task: many, agent: many })
})

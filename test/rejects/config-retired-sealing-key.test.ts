import { expect, it } from 'vitest'
import { loadWith, onlyFault } from '../support/installation.ts'

const files = { 'old.key': Buffer.alloc(32, 5).toString('base64') }
const current = { id: 'k2', secret: { file: './seal.key' } }
const old = { id: 'k1', secret: { file: './old.key' } }

it('a retired key may not stand first, where it would seal', async () => {
  const loaded = await loadWith({ seal: { keys: [{ ...old, retired: true }, current] } }, files)
  expect(onlyFault(loaded)).toMatchObject({
    path: 'seal.keys[0].retired',
    remedy: expect.stringContaining('before it'),
  })
})

it('behind the one that seals it may: it still unseals', async () => {
  const { configuration, faults } = await loadWith(
    { seal: { keys: [current, { ...old, retired: true }] } },
    files,
  )
  expect(faults).toEqual([])
  expect(configuration!.sealKeys.map(({ id }) => id)).toEqual(['k2', 'k1'])
})

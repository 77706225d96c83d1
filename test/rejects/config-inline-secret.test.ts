import { expect, it } from 'vitest'
import { loadWith, onlyFault } from '../support/installation.ts'

const secret = Buffer.alloc(32, 5).toString('base64')

it('a secret inline is refused, and not repeated', async () => {
  const loaded = await loadWith({ seal: { keys: [{ id: 'k1', secret }] } })
  expect(onlyFault(loaded)).toMatchObject({
    path: 'seal.keys[0].secret',
    remedy: expect.stringContaining('{ file: PATH } or { env: NAME }'),
  })
  expect(JSON.stringify(loaded.faults)).not.toContain(secret)
})

it.each([[{ file: secret }], [{ env: secret }]])(
  'nor is it repeated where a path or a name belongs: %j',
  async (reference) => {
    const loaded = await loadWith({ seal: { keys: [{ id: 'k1', secret: reference }] } })
    expect(onlyFault(loaded).path).toBe('seal.keys[0].secret')
    expect(JSON.stringify(loaded.faults)).not.toContain(secret)
  },
)

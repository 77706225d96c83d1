import fc from 'fast-check'
import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'
import { connectVault, reader, secret } from '../support/vault-sandbox.ts'

const normal = (raw: unknown) => JSON.stringify(vault.detail.parse(raw))

test('policies are the same in whatever order and case they are written', () => {
  const written = { type: 'vault', policies: ['CI-read', 'b', 'a'] }
  expect(normal(written)).toBe(normal({ policies: ['b', 'a', 'ci-READ'], type: 'vault' }))
  expect(normal(written)).toBe('{"type":"vault","policies":["a","b","ci-read"]}')
})

test('a path is what it is: Vault tells cases apart', () => {
  expect(vault.detail.parse({ type: 'vault', path: 'Database/creds/ReadOnly' })).toEqual({
    type: 'vault',
    path: 'Database/creds/ReadOnly',
  })
})

test('a path that passes is, in an address, that path and nothing more', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '..',
      '.',
      '?',
      '#',
      '%',
      '&',
      '=',
      '/',
      '//',
      '%2e',
      '%2F',
      '\\',
      '\n',
      '\0',
      'a',
      'creds',
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const path = pieces.join('')
      if (!vault.detail.safeParse({ type: 'vault', path }).success) return
      const url = new URL(`http://vault.example/v1/${path}`)
      expect([url.pathname, url.search, url.hash]).toEqual([`/v1/${path}`, '', ''])
      expect(path).not.toMatch(/\/\/|&|=|&#x2F;/)
    }),
    { numRuns: 2_000 },
  )
})

test('a connection serves what its configuration declares', () => {
  const { terms } = connectVault()
  for (const served of [reader, secret]) expect(terms.serves(served)).toBe(true)
  for (const foreign of [
    vault.detail.parse({ type: 'vault', path: 'database/creds/admin' }),
    vault.detail.parse({ type: 'vault', path: 'Database/creds/readonly' }),
    vault.detail.parse({ type: 'vault', policies: ['ci-read', 'broker'] }),
  ])
    expect(terms.serves(foreign)).toBe(false)
})

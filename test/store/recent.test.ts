import { expect, it } from 'vitest'
import { Recent } from '../../src/store/recent.ts'

const kept = 4

function filled(keys: readonly string[]): Recent<string> {
  const recent = new Recent<string>(kept)
  for (const key of keys) recent.set(key, key)
  return recent
}

const keys = (count: number) => Array.from({ length: count }, (_, n) => `key ${n}`)

it('what was set last is kept, and no more than twice as much', () => {
  const all = keys(25)
  const recent = filled(all)
  const found = all.filter((key) => recent.get(key) === key)
  expect(found).toEqual(expect.arrayContaining(all.slice(-kept)))
  expect(found.length).toBeLessThanOrEqual(2 * kept)
})

it('what is of use stays, however much comes after it', () => {
  const recent = filled(['wanted'])
  for (const key of keys(25)) {
    recent.set(key, key)
    expect(recent.get('wanted')).toBe('wanted')
  }
})

it('what was deleted is not found, however long it had been there', () => {
  const recent = filled(['gone', ...keys(kept)])
  expect(recent.get('gone')).toBe('gone')
  recent.delete('gone')
  expect(recent.get('gone')).toBeUndefined()
})

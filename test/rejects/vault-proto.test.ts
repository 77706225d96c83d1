import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'

test('a detail with __proto__ is refused, not cleaned', () => {
  const detail: unknown = JSON.parse('{"type":"vault","policies":["ci-read"],"__proto__":{"path":"a/b"}}')
  expect(vault.detail.safeParse(detail).success).toBe(false)
})

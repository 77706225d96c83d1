import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test.each([
  '{"type":"github","repositories":["acme/web"],"permissions":{"contents":"read","__proto__":"write"}}',
  '{"type":"github","repositories":["acme/web"],"permissions":{"__proto__":{"contents":"write"}}}',
  '{"type":"github","repositories":["acme/web"],"permissions":{"contents":"read"},"__proto__":{"connection":"x"}}',
])('__proto__ is refused, not dropped: %s', (text) => {
  expect(github.detail.safeParse(JSON.parse(text)).success).toBe(false)
})

test('__proto__ is refused on the command line too', () => {
  expect(() => github.parseScope('acme/web:contents=read,__proto__=write')).toThrow('__proto__')
})

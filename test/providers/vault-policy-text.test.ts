import { expect, test } from 'vitest'
import { rulesIn } from '../../providers/vault/policy-text.ts'

test.each([
  ['HCL', 'path "a/*" {\n  capabilities = ["read", "update"]\n}'],
  ['HCL on one line', 'path "a/*" { capabilities = ["read","update",] }'],
  ['comments', '# read\n/* path "b" { */ path "a/*" { // here\n capabilities = ["read", "update"] # }\n}'],
  ['an equals sign', 'path "a/*" = { capabilities = ["read", "update"] }'],
  [
    'other settings',
    'name = "x"\npath "a/*" {\n capabilities = ["read", "update"]\n allowed_parameters = { "b" = ["c", 1], "*" = [] }\n min_wrapping_ttl = "1s"\n control_group = { factor "f" { identity { group_names = ["g"] approvals = 1 } } }\n}',
  ],
  [
    'a text over lines',
    'path "a/*" {\n comment = <<EOT\n} path "b" {\nEOT\n capabilities = ["read", "update"]\n}',
  ],
  ['quoted keys', '"path" "a/*" { "capabilities" = ["read", "update"] }'],
  ['JSON', '{"path":{"a/*":{"capabilities":["read","update"]}}}'],
  ['JSON in a list', '{"path":[{"a/*":{"capabilities":["read","update"],"max_wrapping_ttl":"1h"}}]}'],
])('a policy is read from %s', (_, text) => {
  expect(rulesIn(text)).toEqual([{ path: 'a/*', capabilities: ['read', 'update'] }])
})

test('a policy of old is read for what it means', () => {
  expect(rulesIn('path "a" { policy = "write" }')[0]?.capabilities).toContain('update')
  expect(rulesIn('path "a" { policy = "deny" }')).toEqual([{ path: 'a', capabilities: ['deny'] }])
})

test.each([
  'path "a" {',
  'path { }',
  'path "a" { capabilities = }',
  'path "a" { capabilities = [',
  '}',
  '%',
  '{',
  '{"path":1}',
])('what is no policy is not taken for one: %j', (text) => {
  expect(() => rulesIn(text)).toThrow()
})

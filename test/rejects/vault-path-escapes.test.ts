import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'

test.each([
  ['..', 'database/creds/../../sys/mounts'],
  ['.', 'database/./creds'],
  ['a query', 'database/creds/readonly?list=true'],
  ['a fragment', 'database/creds/readonly#x'],
  ['an escaped slash', 'database%2Fcreds'],
  ['an escaped dot', 'database/%2e%2e/sys'],
  ['an ampersand', 'database/creds&x'],
  ['an entity that a template would decode', 'database/creds&#x2F;x'],
  ['an equals sign', 'database/creds=x'],
  ['an empty segment', 'database//creds'],
  ['a slash before', '/database/creds'],
  ['a slash behind', 'database/creds/'],
  ['a backslash', 'database\\..\\sys'],
  ['a line break', 'database/creds\r\nX-Vault-Token: x'],
  ['a null', 'database/creds\0'],
  ['a space', 'database/creds/a b'],
  ['a letter beyond ASCII', 'database/creds/ｒeadonly'],
  ['a wildcard', 'database/creds/*'],
  ['the mount alone', 'database'],
  ['nothing', ''],
  ['513 characters', `database/${'x'.repeat(504)}`],
])('a path with %s is refused', (_, path) => {
  expect(vault.detail.safeParse({ type: 'vault', path }).success).toBe(false)
})

import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'

test.each([
  'database',
  'database/',
  '/database/creds',
  'database/../sys/mounts',
  'database/creds/readonly?list=true',
  'policies=',
  'policies=ci-read,',
  'policies=ci-read,ci-read',
  'policies=root',
  'Policies=ci-read',
  'policies=ci-read;other',
])('a shorthand that is not one is refused: %s', (text) => {
  expect(() => vault.parseScope(text)).toThrow(/a vault scope is PATH or policies=POLICY/)
})

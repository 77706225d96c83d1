/** What SECURITY.md says holds, a test holds. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'SECURITY.md'), 'utf8')
/** The rows of its tables, without their heads. */
const rows = [...page.matchAll(/^\|(?: -+ \|)+\n((?:\|.*\n)+)/gm)].flatMap(([, body = '']) =>
  body.trim().split('\n'),
)

test('each of its rows names a test', () => {
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.filter((row) => !/`test\/[\w./-]+\.test\.ts` +\|$/.test(row))).toEqual([])
})

test('each test that it names is there', () => {
  const named = [...page.matchAll(/`(test\/[\w./-]+)`/g)].map(([, file = '']) => file)
  expect(named.length).toBeGreaterThan(40)
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

/** The design, the invariants and the decisions stand in the repository, and what refers to them finds them. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const sources = globSync(['{src,providers,test,examples}/**/*.ts', 'docs/**/*.md', '*.md'], { cwd: root })
const decisions = globSync('docs/decisions/*.md', { cwd: root }).toSorted()

/** Every place in the sources where `pattern` occurs, as `FILE: TEXT`. */
function mentions(pattern: RegExp): { file: string; text: string; found: string }[] {
  return sources.flatMap((file) =>
    [...read(file).matchAll(pattern)].map(([text, found = '']) => ({ file, text, found })),
  )
}

test('every invariant that is named is one', () => {
  const known = new Set([...read('docs/invariants.md').matchAll(/^## (I\d+) /gm)].map(([, id]) => id))
  expect([...known]).toEqual(Array.from({ length: 12 }, (_, at) => `I${at + 1}`))
  const named = mentions(/(?<![\w/`-])(I1?\d)(?![\w-])/g)
  expect(named.length).toBeGreaterThan(100)
  expect(named.filter(({ found }) => !known.has(found))).toEqual([])
})

test('every section of the design that is named is one', () => {
  const known = new Set([...read('docs/design.md').matchAll(/^## (\d+)\. /gm)].map(([, number]) => number))
  const named = mentions(/design §(\d+)/g)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(({ found }) => !known.has(found))).toEqual([])
})

test.each(['docs/design.md', 'docs/invariants.md'])('%s names files that are there', (page) => {
  const named = [...read(page).matchAll(/`((?:[\w.-]+\/)+[\w.-]*)`/g)].map(([, path = '']) => path)
  const here = (path: string) => existsSync(join(root, path)) || existsSync(join(root, 'src', path))
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((path) => !here(path))).toEqual([])
})

test.each(decisions)('%s says what was not chosen, and which files it shaped', (page) => {
  const text = read(page)
  expect(text).toMatch(/\bNot chosen:\s/)
  const [, code = ''] = /^Code: (.+(?:\n.+)*)$/m.exec(text) ?? []
  const files = [...code.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
  expect(files.length).toBeGreaterThan(0)
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

test('every decision is named in the code that it shaped', () => {
  const named = new Set(
    mentions(/docs\/decisions\/(\d{4})/g).flatMap(({ file, found }) => (file.endsWith('.ts') ? found : [])),
  )
  const numbers = decisions.map((page) => page.replace(/^.*\/(\d{4})-.*$/, '$1'))
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(numbers.filter((number) => !named.has(number))).toEqual([])
})

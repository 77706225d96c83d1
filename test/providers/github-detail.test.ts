import fc from 'fast-check'
import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'
import { askable } from '../../providers/github/permissions.ts'

const name = fc.stringMatching(/^[A-Za-z0-9]{1,8}$/)
const detail = fc.record({
  type: fc.constant('github'),
  repositories: fc
    .tuple(name, fc.uniqueArray(name, { minLength: 1, maxLength: 5, selector: (text) => text.toLowerCase() }))
    .map(([owner, names]) => names.map((repository) => `${owner}/${repository}`)),
  permissions: fc
    .uniqueArray(
      fc.constantFrom(
        ...askable.flatMap(({ name: key, levels }) => levels.map((level) => [key, level] as const)),
      ),
      { minLength: 1, maxLength: 6, selector: ([key]) => key },
    )
    .map((pairs) => Object.fromEntries(pairs)),
})

const normal = (raw: unknown) => JSON.stringify(github.detail.parse(raw))

test('a detail is the same in whatever order and case it is written', () => {
  fc.assert(
    fc.property(detail, (raw) => {
      const same = {
        permissions: Object.fromEntries(Object.entries(raw.permissions).toReversed()),
        repositories: raw.repositories.map((repository) => repository.toUpperCase()).toReversed(),
        type: 'github',
      }
      expect(normal(same)).toBe(normal(raw))
    }),
  )
})

test('parsing twice is parsing once', () => {
  fc.assert(
    fc.property(detail, (raw) => {
      expect(normal(github.detail.parse(raw))).toBe(normal(raw))
    }),
  )
})

test('every permission that can be asked for has its actions in the schema', () => {
  for (const { name: key, levels } of askable) {
    for (const level of levels) expect(github.cedar).toContain(`action "github.${key}.${level}"`)
  }
})

test('the shorthand names repositories with + and permissions with commas', () => {
  expect(github.parseScope('acme/web+acme/docs:contents=write,issues=read')).toEqual({
    type: 'github',
    repositories: ['acme/docs', 'acme/web'],
    permissions: { contents: 'write', issues: 'read' },
  })
})

test('owners are compared in lower case, and the address is that of github.com unless it is given', () => {
  const config = { name: 'main', app_id: 1, private_key: { env: 'KEY' } }
  expect(github.config.parse({ ...config, owners: ['Acme', 'acme'] })).toEqual({
    ...config,
    api: 'https://api.github.com',
    host: 'github.com',
    owners: ['acme'],
  })
})

test('a GitHub Enterprise Server address may end in a slash', () => {
  const config = {
    name: 'main',
    api: 'https://ghes.acme.dev/api/v3/',
    app_id: 1,
    private_key: { file: 'k' },
    owners: ['a'],
  }
  expect(github.config.parse(config)).toMatchObject({ api: 'https://ghes.acme.dev/api/v3' })
})

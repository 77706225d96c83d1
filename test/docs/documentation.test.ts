/** What the documentation says, held against what it is about. */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { providers } from '../../providers/catalog.ts'
import { configurationFile } from '../../src/config/schema.ts'
import { errorCodes } from '../../src/base/errors.ts'
import { leaseStatuses } from '../../src/leases/lease.ts'
import { endReasons, taskStatuses } from '../../src/tasks/task.ts'
import { mayfly } from '../support/mayfly.ts'
import { load, settings } from '../support/installation.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (page: string) => readFileSync(join(root, page), 'utf8')
const blocks = (page: string, language: string) =>
  [...read(page).matchAll(RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text)

test('every link leads to a page, and to a heading of it', () => {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root })
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https:)([^)#]*)#?([^)]*)\)/g)].filter(([, path, anchor]) => {
      const target = path ? join(dirname(page), path) : page
      return !existsSync(join(root, target)) || (anchor && !anchors(target).includes(anchor))
    }),
  )
  expect(pages).toContain('README.md')
  expect(broken).toEqual([])
})

/** As GitHub makes them of headings. */
const anchors = (page: string) =>
  [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

test.each([
  { page: 'docs/api.md', words: [...errorCodes, ...taskStatuses, ...endReasons, ...leaseStatuses] },
  { page: 'docs/configuration.md', words: Object.keys(configurationFile) },
])('$page leaves out no word that it has to explain', ({ page, words }) => {
  const text = read(page)
  expect(words.filter((word) => !RegExp(`\`${word}[\`.]`).test(text))).toEqual([])
})

test('the configuration, agent, policies and expectations of its pages go together as they say', async () => {
  const [issuers = '', admins = '', agent = ''] = blocks('docs/configuration.md', 'yaml')
  const page = ({ type }: { type: string }) => `docs/providers/${type}.md`
  const connections = providers.map((provider) => parse(blocks(page(provider), 'yaml')[0] ?? '').providers)
  const okta = { issuer: 'https://acme.okta.example', tenancy: 'single' }
  const [policy = '', ...recipes] = blocks('docs/policy.md', 'cedar')
  const written = (policies: Record<string, string>) =>
    load(
      {
        'mayfly.yaml': {
          ...settings,
          issuers: { ...parse(issuers).issuers, okta },
          ...parse(admins),
          providers: Object.assign({}, ...connections),
        },
        'app.pem': generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
          type: 'pkcs1',
          format: 'pem',
        }),
        'agents/refactor-bot.yaml': agent,
        'agents/release-bot.yaml': agent
          .replace('refactor-bot', 'release-bot')
          .replace('heads/main', 'tags/*'),
        ...policies,
      },
      { providers: [...providers] },
    )
  const { faults, directory } = await written({
    'policies/policy.cedar': policy,
    'policies/providers.cedar': providers.flatMap((provider) => blocks(page(provider), 'cedar')).join('\n'),
  })
  expect(faults).toEqual([])
  expect(recipes.length).toBeGreaterThan(0)
  expect((await written({ 'policies/policy.cedar': recipes.join('\n') })).faults).toEqual([])

  const config = join(directory, 'mayfly.yaml')
  const expectations = join(directory, 'expectations.yaml')
  writeFileSync(expectations, blocks('docs/policy.md', 'yaml')[0] ?? '')
  const checked = await mayfly(['policy', 'check', expectations, '-c', config])
  expect(checked).toMatchObject({ status: 0, stdout: '3 of 3 expectations hold\n' })

  const [prompt = '', ...shown] = (blocks('docs/policy.md', 'console')[0] ?? '').split('\n')
  const args = prompt.replace('$ mayfly ', '').replace('mayfly.yaml', config).split(' ')
  expect((await mayfly(args)).stdout).toBe(shown.join('\n'))
})

/** `validate` says everything that is wrong in one round, each with its place, and what is surely not meant. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { providers } from '../../providers/catalog.ts'
import { systemClock } from '../../src/base/clock.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { mayfly } from '../support/mayfly.ts'

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs1', format: 'pem' })
  .toString()

const settings = `url: http://127.0.0.1:8420
store: sqlite:./mayfly.db
seal: { keys: [{ id: k1, secret: { file: ./seal.key } }] }
issuers:
  gha: { preset: github-actions }
providers:
  github: [{ name: main, app_id: 7, private_key: { file: ./app.pem }, owners: [corp] }]
`
const bot = `name: bot
owner: ada@corp.dev
purpose: Opens pull requests
environment: dev
review_by: 2099-12-31
max_ttl: 900
match:
  - issuer: gha
    subject: repo:corp/web:ref:refs/heads/main
`
const permit = `@id("reads")
permit (principal == Mayfly::Agent::"bot", action in Mayfly::Action::"read",
  resource == Mayfly::GithubRepository::"corp/web");
`

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mayfly-validate-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** What is said of a sound installation, with these files in place of its own; undefined leaves one out. */
async function told(
  files: Record<string, string | undefined> = {},
): Promise<{ valid: boolean; faults: string[] }> {
  const sound: typeof files = {
    'mayfly.yaml': settings,
    'agents/bot.yaml': bot,
    'policies/bot.cedar': permit,
    'seal.key': `${Buffer.alloc(32, 7).toString('base64')}\n`,
    'app.pem': pem,
  }
  for (const name of ['agents', 'policies']) await mkdir(join(directory, name), { recursive: true })
  for (const [name, text] of Object.entries({ ...sound, ...files })) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    if (text !== undefined) await writeFile(join(directory, name), text, { mode: 0o600 })
  }
  const { configuration, faults } = await loadConfiguration(join(directory, 'mayfly.yaml'), {
    providers: [...providers],
    clock: systemClock(),
    env: {},
    review: true,
  })
  const lines = faults.map(
    ({ file, line, column, path, message, warning }) =>
      `${warning ? 'warning ' : ''}${file.slice(directory.length + 1)}:${line}:${column} ${path}: ${message}`,
  )
  return { valid: configuration !== undefined, faults: lines }
}

it('nothing is said of what is as it should be', async () => {
  expect(await told()).toEqual({ valid: true, faults: [] })
})

it('everything that is wrong is said in one round, each with file, line and column', async () => {
  const { valid, faults } = await told({
    'mayfly.yaml': settings
      .replace('sqlite:./mayfly.db', 'sqlite:./nowhere/mayfly.db')
      .replace('{ preset: github-actions }', '{ preset: github-actions, audiance: x }')
      .replace('name: main, app_id: 7', 'name: "a b", app_id: seven'),
    'agents/bot.yaml': bot
      .replace('max_ttl: 900', 'max_ttl: 0')
      .replace('repo:corp/web:ref', 'repo:*/web:ref'),
    'agents/other.yaml': 'name: other\nname: another\n',
    'policies/bot.cedar': `${permit}
@id("broken") permit (principal, action resource);
@id("unknown")
permit (principal, action == Mayfly::Action::"github.content.write", resource);
@id("case")
permit (principal, action in Mayfly::Action::"read",
  resource == Mayfly::GithubRepository::"corp/Web");
`,
  })
  expect(valid).toBe(false)
  expect(faults).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^mayfly\.yaml:2:1 store: .*nowhere does not exist$/),
      expect.stringMatching(/^mayfly\.yaml:5:34 issuers\.gha\.audiance: is not a known key$/),
      expect.stringMatching(/^mayfly\.yaml:7:14 providers\.github\[0\]\.name: /),
      expect.stringMatching(/^mayfly\.yaml:7:27 providers\.github\[0\]\.app_id: is a string, not a number$/),
      expect.stringMatching(/^agents\/bot\.yaml:6:1 max_ttl: /),
      // A rule is looked at although its file has another fault, and its issuer one too.
      expect.stringMatching(/^agents\/bot\.yaml:8:5 match\[0\]: GitHub Actions signs for everyone/),
      expect.stringMatching(/^agents\/other\.yaml:2:1 : the key stands there twice$/),
      expect.stringMatching(/^policies\/bot\.cedar:5:41 line 5: unexpected token/),
      // What does not parse hides nothing of the policies beside it.
      expect.stringMatching(/^policies\/bot\.cedar:7:30 unknown: unrecognized action/),
      expect.stringMatching(/^policies\/bot\.cedar:10:41 case: "corp\/Web" must be in lower case/),
    ]),
  )
})

it('on a terminal the place comes first, as editors and compilers have it', async () => {
  const file = join(directory, 'mayfly.yaml')
  await told({ 'agents/bot.yaml': bot.replace('max_ttl: 900', 'max_ttl: 0') })
  const { status, stderr } = await mayfly(['validate', '-c', file])
  expect(status).toBe(1)
  expect(stderr).toContain(`${join(directory, 'agents/bot.yaml')}:6:1: max_ttl: `)

  await told({ 'policies/more.cedar': '@id("x")\npermit (principal, action, resource);' })
  const { stdout } = await mayfly(['validate', '-c', file, '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    valid: true,
    faults: [{ file: join(directory, 'policies/more.cedar'), line: 1, column: 1, warning: true }],
  })
})

describe('what is valid and surely not meant is a warning', () => {
  const agent = (changes: (text: string) => string) => ({ 'agents/bot.yaml': changes(bot) })
  const policy = (text: string) => ({ 'policies/more.cedar': text })
  const subject = (pattern: string) =>
    agent((text) => text.replace('repo:corp/web:ref:refs/heads/main', `'${pattern}'`))

  it.each<[string, Record<string, string | undefined>, RegExp]>([
    [
      'an app id from an example',
      { 'mayfly.yaml': settings.replace('app_id: 7', 'app_id: 123456') },
      /mayfly\.yaml:7:34 .*app_id: holds the placeholder `123456`$/,
    ],
    [
      'an account from an example',
      {
        'mayfly.yaml': `${settings}  aws: [{ name: p, region: eu-west-1, roles: [{ arn: 'arn:aws:iam::000000000000:role/x', class: read }] }]\n`,
      },
      /placeholder `000000000000`$/,
    ],
    [
      'an owner from an example',
      { 'mayfly.yaml': settings.replace('[corp]', '[corp, acme]') },
      /owners\[1\]: holds the placeholder `acme`$/,
    ],
    [
      'an audience from an example',
      {
        'mayfly.yaml': settings.replace('{ preset: github', '{ audience: EXAMPLE_AUDIENCE, preset: github'),
      },
      /issuers\.gha\.audience: holds the placeholder `EXAMPLE_AUDIENCE`$/,
    ],
    [
      'an example domain',
      agent((text) => text.replace('corp.dev', 'corp.example')),
      /agents\/bot\.yaml:2:8 owner: holds the placeholder `example`$/,
    ],
    [
      'an id from an example',
      agent((text) => `${text}    claims: { repository_id: '0' }\n`),
      /claims\.repository_id: holds the placeholder `0`$/,
    ],
    [
      'a wildcard that ends before the branch',
      subject('repo:corp/*'),
      /agents\/bot\.yaml:9:5 match\[0\]\.subject: matches no branch's token, nor any other/,
    ],
    [
      'a wildcard that takes in pull requests alone',
      subject('repo:corp/web:*'),
      /subject: matches no branch's token: /,
    ],
    [
      'a ref without its path',
      subject('repo:corp/web:ref:main'),
      /subject: matches no branch's token, nor any other of GitHub Actions$/,
    ],
    [
      'an agent that there is not',
      policy(
        '@id("x") permit (principal == Mayfly::Agent::"bto", action in Mayfly::Action::"read", resource);',
      ),
      /policies\/more\.cedar:1:46 x: Agent::"bto" is no agent/,
    ],
    [
      'an owner of agents that there is not',
      policy('@id("x") forbid (principal in Mayfly::Owner::"eve@corp.dev", action, resource);'),
      /x: Owner::"eve@corp\.dev" owns no agent/,
    ],
    [
      'an environment of no agent',
      policy('@id("x") forbid (principal in Mayfly::Environment::"prod", action, resource);'),
      /x: Environment::"prod" is the environment of no agent/,
    ],
    [
      'a repository that nothing serves',
      policy('@id("x") forbid (principal, action, resource == Mayfly::GithubRepository::"crop/web");'),
      /x: GithubRepository::"crop\/web" is served by no connection/,
    ],
    [
      'an account that nothing serves',
      policy(
        '@id("x") forbid (principal, action, resource)\nwhen { resource in Mayfly::GithubOwner::"crop" };',
      ),
      /more\.cedar:2:41 x: GithubOwner::"crop" is served by no connection/,
    ],
    [
      'a role that nothing serves',
      policy(
        '@id("x") forbid (principal, action, resource == Mayfly::AwsRole::"arn:aws:iam::448877001122:role/x");',
      ),
      /x: AwsRole::.* is served by no connection/,
    ],
    [
      'an agent that no policy permits',
      { 'agents/idle.yaml': bot.replace('name: bot', 'name: idle').replace('/web', '/idle') },
      /agents\/idle\.yaml:1:1 name: no policy permits idle anything/,
    ],
    [
      'a permit of everything',
      policy('@id("x")\npermit (principal, action, resource);'),
      /more\.cedar:1:1 x: it permits every agent everything/,
    ],
    [
      'a permit of everything with a condition that always holds',
      policy('@id("x") permit (principal is Mayfly::Agent, action, resource) when { true };'),
      /x: it permits every agent everything/,
    ],
    ['no policy', { 'policies/bot.cedar': '// none\n' }, /policies: holds no policy/],
    ['an empty folder of policies', { 'policies/bot.cedar': undefined }, /policies: holds no policy/],
    [
      'an empty folder of agents',
      {
        'agents/bot.yaml': undefined,
        'policies/bot.cedar': '@id("x") permit (principal, action in Mayfly::Action::"read", resource);',
      },
      /agents: holds no agent/,
    ],
    [
      'no connection',
      { 'mayfly.yaml': settings.slice(0, settings.indexOf('providers')) },
      /providers: has no connection/,
    ],
  ])('%s', async (_what, files, wanted) => {
    const { valid, faults } = await told(files)
    expect(faults).toEqual(expect.arrayContaining([expect.stringMatching(wanted)]))
    expect(faults.filter((line) => !line.startsWith('warning '))).toEqual([])
    expect(valid).toBe(true)
  })

  it.each([
    ['a branch of any depth', subject('repo:corp/*:ref:refs/heads/**')],
    ['pull requests, by name', subject('repo:corp/web:pull_request')],
    ['an environment, in the subject with ids', subject('repo:corp@65/web@77:environment:prod')],
    ['a customised subject', subject('repo:corp/web:environment:prod:job_workflow_ref:corp/ci/**')],
    [
      'a permit of everything to one',
      policy('@id("x") permit (principal == Mayfly::Agent::"bot", action, resource);'),
    ],
    [
      'a policy about what is in a served account',
      policy('@id("x") forbid (principal, action, resource == Mayfly::GithubRepository::"corp/any");'),
    ],
  ])('but not %s', async (_what, files) => {
    expect((await told(files)).faults).toEqual([])
  })

  it('and it is said in the same round as what is wrong', async () => {
    const { faults } = await told({
      'mayfly.yaml': settings.replace('sqlite:./mayfly.db', 'postgres://127.0.0.1:1/mayfly'),
      ...policy('@id("x") permit (principal, action, resource);'),
    })
    expect(faults).toEqual([
      expect.stringMatching(
        /^mayfly\.yaml:2:1 store: postgres:\/\/127\.0\.0\.1:1\/mayfly cannot be used: .*ECONNREFUSED/,
      ),
      expect.stringMatching(/^warning .* it permits every agent everything/),
    ])
  })

  it('of what a faulty connection would serve, or a faulty agent file names, nothing is said', async () => {
    const { faults } = await told({
      'mayfly.yaml': settings.replace('app_id: 7', 'app_id: seven'),
      'agents/bot.yaml': bot.replace('max_ttl: 900', 'max_ttl: 0'),
    })
    expect(faults.filter((line) => line.startsWith('warning'))).toEqual([])
  })
})

it.each([
  ['a file that is no database', 'seal.key'],
  ['a directory', 'agents'],
])('a store that is %s is a fault', async (_what, path) => {
  const { valid, faults } = await told({ 'mayfly.yaml': settings.replace('./mayfly.db', `./${path}`) })
  expect(valid).toBe(false)
  expect(faults).toEqual([expect.stringMatching(/^mayfly\.yaml:2:1 store: .*cannot be opened/)])
})

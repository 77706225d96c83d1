/** What editors check files by: it takes what the broker takes, refuses what has another form, and says what each key is. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { checkParseSchema } from '@cedar-policy/cedar-wasm/nodejs'
import { expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { everyUpstream } from '../../src/sandbox/configuration.ts'
import { startTestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'

async function schema(kind: string) {
  const { status, stdout, stderr } = await mayfly(['schema', kind])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const ajv = new Ajv({ strict: false })
  formats.default(ajv)
  const document = JSON.parse(stdout)
  return { document, takes: ajv.compile(document) }
}

it('of a configuration and an agent: what the broker runs on is taken, and what has another form is not', async () => {
  await using broker = await startTestBroker({
    settings: (sandbox, port) => everyUpstream(sandbox, port).settings,
    files: {},
  })
  const written = parse(await readFile(broker.file, 'utf8'))
  const config = await schema('config')
  expect(config.takes(written)).toBe(true)
  expect(config.takes({ ...written, lisen: '127.0.0.1:1' })).toBe(false)
  const { seal: _, ...unsealed } = written
  expect(config.takes(unsealed)).toBe(false)
  const providers = { ...written.providers, github: [{ ...written.providers.github[0], app_idd: 1 }] }
  expect(config.takes({ ...written, providers })).toBe(false)
  expect(config.takes({ ...written, providers: { gitlab: [] } })).toBe(false)
  expect(config.takes({ ...written, admins: [{ name: 'x', issuer: 'y', may: ['everything'] }] })).toBe(false)
  const agent = await schema('agent')
  const bot = parse(await readFile(join(broker.directory, 'agents/refactor-bot.yaml'), 'utf8'))
  expect(agent.takes(bot)).toBe(true)
  expect(agent.takes({ ...bot, review_by: 'soon' })).toBe(false)
  expect(agent.takes({ ...bot, match: [] })).toBe(false)
}, 60_000)

it('what `init` writes is taken', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-schema-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  expect((await mayfly(['init', join(directory, 'made')])).status).toBe(0)
  const { takes } = await schema('config')
  const written = parse(await readFile(join(directory, 'made/mayfly.yaml'), 'utf8'))
  // All that is missing is what nobody else can know.
  written.issuers.workloads.issuer = 'https://ci.acme.dev'
  written.providers.github[0].app_id = 7
  takes(written)
  expect(takes.errors).toBeNull()
}, 60_000)

it('of expectations', async () => {
  const { takes } = await schema('expectations')
  expect(takes([{ agent: 'a', scope: ['github:acme/web:contents=read'], expect: 'allowed' }])).toBe(true)
  expect(takes([{ agent: 'a', becomes: [] }])).toBe(true)
  expect(takes([{ agent: 'a', scope: ['x'], expect: 'perhaps' }])).toBe(false)
}, 30_000)

it.each(['config', 'agent', 'expectations'])(
  'every key of %s says what it is',
  async (kind) => {
    const { document } = await schema(kind)
    const silent: string[] = []
    const look = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return
      const { properties } = value as { properties?: Record<string, { description?: string }> }
      for (const [name, { description }] of Object.entries(properties ?? {}))
        if (!description) silent.push(`${path}/${name}`)
      for (const [name, member] of Object.entries(value)) look(member, `${path}/${name}`)
    }
    look(document, '')
    // The one member of these says nothing that the key above it does not.
    expect(silent.filter((path) => !/\/(?:file|syslog)$/.test(path))).toEqual([])
  },
  30_000,
)

it('of policies, in both of Cedar’s forms', async () => {
  const { stdout } = await mayfly(['schema', 'cedar'])
  expect(checkParseSchema(stdout).type).toBe('success')
  expect(stdout).toContain('"github.contents.write"')
  const inJson = JSON.parse((await mayfly(['schema', 'cedar', '--json'])).stdout)
  expect(checkParseSchema(inJson).type).toBe('success')
}, 30_000)

const run = promisify(execFile)

it('a shell completes commands, options and the values that there are', async () => {
  const { stdout: script } = await mayfly(['completion', 'bash'])
  const complete = async (...words: string[]) => {
    const quoted = words.map((word) => `'${word}'`).join(' ')
    const ask = `${script}\nCOMP_WORDS=(mayfly ${quoted}); COMP_CWORD=${words.length}; _mayfly; echo "\${COMPREPLY[@]}"`
    return (await run('bash', ['-c', ask])).stdout.trim().split(' ')
  }
  expect(await complete('au')).toEqual(['audit'])
  expect(await complete('admin', 'le')).toEqual(['leases'])
  expect(await complete('admin', 'leases', '--status', 'rev')).toEqual(['revoking', 'revoked'])
  expect(await complete('audit', 'list', '--limit', '3', '--fi')).toEqual(['--fingerprint'])
  expect(await complete('completion', '--')).toContain('--json')
  expect(await complete('run', '--', 'git', 'pu')).toEqual([''])
  for (const shell of ['zsh', 'fish']) {
    const { status, stdout } = await mayfly(['completion', shell])
    expect(status).toBe(0)
    for (const word of ['git-credential', 'fingerprint', 'pending_approval']) expect(stdout).toContain(word)
  }
  expect((await mayfly(['completion', 'tcsh'])).status).toBe(2)
}, 60_000)

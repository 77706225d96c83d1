import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import { agentFile } from '../../src/agents/agent.ts'
import { matches } from '../../src/agents/match.ts'
import { scaffold } from '../../src/cli/init/scaffold.ts'
import { claimedPrincipal } from '../../src/identity/principal.ts'
import { sandboxWorkload, sandboxWorkloadWithIds } from '../../src/sandbox/configuration.ts'
import { mayfly } from '../support/mayfly.ts'

let parent: string
let directory: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'mayfly-init-'))
  directory = join(parent, 'broker')
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const file = () => join(directory, 'mayfly.yaml')
interface Told {
  path: string
  message: string
  warning?: true
}
const told = async (): Promise<Told[]> =>
  JSON.parse((await mayfly(['validate', '-c', file(), '--json'])).stdout).faults
const faults = async () => (await told()).filter(({ warning }) => !warning)
const open = ['issuers.workloads.issuer', 'providers.github[0].app_id', 'providers.github[0].private_key']

it('leaves open only what nobody else can know, and validates once that is filled in', async () => {
  expect(await mayfly(['init', directory])).toMatchObject({ status: 0, stderr: '' })
  expect((await faults()).map(({ path }) => path).toSorted()).toEqual(open)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
  await writeFile(join(directory, 'app.pem'), pem, { mode: 0o600 })
  const yaml = await readFile(file(), 'utf8')
  const filledIn = yaml
    .replace(/issuer:$/m, 'issuer: https://token.actions.githubusercontent.com')
    .replace(/app_id:$/m, 'app_id: 12345')
  await writeFile(file(), filledIn)
  expect(await faults()).toEqual([])
  expect(await mayfly(['validate', '-c', file()])).toMatchObject({
    status: 0,
    stdout: `${file()} is valid: 1 agent, 1 issuer, 1 connection\n`,
  })
  // What stands for something of the reader's own is named wherever it was left.
  const left = await told()
  expect(left.map(({ path }) => path)).toEqual([
    'providers.github[0].app_id',
    'providers.github[0].owners[0]',
    'owner',
    'match[0].claims.repository_id',
    'refactor-bot-works-on-web',
  ])
  for (const { message } of left) expect(message).toMatch(/^holds the placeholder/)
})

it('offers in comments what leaves no more open, once it is put in force', async () => {
  await mayfly(['init', directory])
  const written = await readFile(file(), 'utf8')
  const inForce = written
    .replace(/^( *)# (?=(?: *- | {2,}\w|aws:|vault:|admins:|notify:|limits:))/gm, '$1')
    .replace(/^issuers:$/m, 'issuers:\n  okta: { issuer: https://okta.example, tenancy: single }')
    .replaceAll('YOUR.DOMAIN', 'acme.example')
  for (const section of ['  aws:', '  vault:', 'admins:', 'notify:', 'limits:'])
    expect(inForce).toContain(`\n${section}\n`)
  await writeFile(file(), inForce)
  expect((await faults()).map(({ path }) => path).toSorted()).toEqual(open)
})

it('tells each fault with a line of what happened and a line of what to do', async () => {
  await mayfly(['init', directory])
  const { status, stdout, stderr } = await mayfly(['validate', '-c', file()])
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  const lines = stderr.trimEnd().split('\n')
  expect(lines.filter((line) => /^(?!warning: )\S/.test(line))).toHaveLength(3)
  expect(lines[0]).toMatch(new RegExp(`^${file()}:\\d+:\\d+: \\S+: \\S`))
  expect(lines[1]).toMatch(/^ {2}\S/)
})

it('makes a seal key of its own each time, which only its owner can read and git does not see', async () => {
  const other = join(parent, 'other')
  await mayfly(['init', directory, '--json'])
  await mayfly(['init', other])
  const keys = await Promise.all([directory, other].map((at) => readFile(join(at, 'seal.key'), 'utf8')))
  expect(Buffer.from(keys[0]!, 'base64')).toHaveLength(32)
  expect(keys[0]).not.toBe(keys[1])
  expect((await stat(join(directory, 'seal.key'))).mode & 0o777).toBe(0o600)
  expect(await readFile(join(directory, '.gitignore'), 'utf8')).toMatch(/^seal\.key$/m)
})

it('overwrites nothing, and then writes nothing', async () => {
  await mkdir(directory)
  await writeFile(join(directory, 'seal.key'), 'mine')
  const { status, stdout, stderr } = await mayfly(['init', directory])
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain(join(directory, 'seal.key'))
  expect(await readFile(join(directory, 'seal.key'), 'utf8')).toBe('mine')
  expect(await readdir(directory)).toEqual(['seal.key'])
})

it("the rule that it writes matches both forms of GitHub's subject", () => {
  const text = scaffold('2099-12-31')['agents/refactor-bot.yaml']!.replace("'0'", "'123'")
  const { match } = agentFile.parse(parse(text))
  const fits = (claims: object) =>
    matches(match[0]!, claimedPrincipal('workloads', { ref: 'refs/heads/main', ...claims }))
  for (const workload of [sandboxWorkload, sandboxWorkloadWithIds]) {
    expect(fits(workload)).toBe(true)
    expect(fits({ ...workload, repository_id: '124' })).toBe(false)
    expect(fits({ ...workload, ref: 'refs/heads/other' })).toBe(false)
  }
})

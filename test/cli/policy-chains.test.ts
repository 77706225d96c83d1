import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { writeConfiguration } from '../../src/sandbox/configuration.ts'
import { startSandbox } from '../../src/sandbox/sandbox.ts'
import { mayfly } from '../support/mayfly.ts'

let directory: string
let config: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mayfly-chains-'))
  const sandbox = await startSandbox()
  config = await writeConfiguration(directory, sandbox, 8420, {
    files: {
      'policies/deployer.cedar': `@id("deploys") permit (principal == Mayfly::Agent::"deployer", action in Mayfly::Action::"secrets", resource);`,
    },
  })
  await sandbox.close()
  const path = join(directory, 'agents/refactor-bot.yaml')
  const bot = parse(await readFile(path, 'utf8'))
  const match = [{ issuer: 'sandbox', subject: 'repo:acme/api:ref:refs/heads/main' }]
  await writeFile(join(directory, 'agents/deployer.yaml'), stringify({ ...bot, name: 'deployer', match }))
})
afterAll(() => rm(directory, { recursive: true }))

const check = async (expectations: unknown) => {
  const file = join(directory, 'expectations.yaml')
  await writeFile(file, stringify(expectations))
  return await mayfly(['policy', 'check', file, '-c', config])
}

it('policy chains lists each with the classes gained', async () => {
  const { status, stdout } = await mayfly(['policy', 'chains', '-c', config])
  expect(status).toBe(0)
  expect(stdout).toContain('refactor-bot → acme/api → deployer → secrets\n  by github.contents.write')
  const json = await mayfly(['policy', 'chains', '-c', config, '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({
    chains: [
      { agents: ['refactor-bot', 'deployer'], through: ['acme/api'], gains: ['secrets'], raises: true },
    ],
  })
})

it('validate warns where a chain raises the class', async () => {
  const { status, stdout } = await mayfly(['validate', '-c', config, '--json'])
  expect(status).toBe(0)
  expect(JSON.parse(stdout).faults).toContainEqual(
    expect.objectContaining({
      path: 'agent refactor-bot',
      message: expect.stringContaining('refactor-bot → acme/api → deployer'),
      warning: true,
    }),
  )
})

it('an expectation holds who may become whom in place', async () => {
  const agent = 'refactor-bot'
  const { status, stdout } = await check([
    { name: 'as it is', agent, becomes: ['deployer'], gains: ['secrets'] },
    { name: 'nobody', agent, becomes: [] },
    { name: 'nothing', agent, gains: [] },
    { name: 'something else', agent, gains: ['deploy'] },
    { name: 'misspelt', agent: 'refactor-bt', becomes: [] },
  ])
  expect(status).toBe(1)
  const chain = 'refactor-bot → acme/api → deployer → secrets'
  for (const name of ['nobody', 'nothing', 'something else']) expect(stdout).toContain(`${name}: ${chain}`)
  expect(stdout).toContain('misspelt: it cannot be asked: there is no agent refactor-bt')
  expect(stdout).toContain('1 of 5 expectations hold')
})

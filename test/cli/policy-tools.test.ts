/** Tools where policies are looked at: in explanations, expectations and what `validate` says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { writeConfiguration } from '../../src/sandbox/configuration.ts'
import { startSandbox } from '../../src/sandbox/sandbox.ts'
import { mayfly } from '../support/mayfly.ts'

const tools = `@id("tools") permit (principal, action in Mayfly::Action::"tool", resource);
@id("publishing") @approval("security") @description("What is published stays")
forbid (principal, action == Mayfly::Action::"tool.publish", resource in Mayfly::Tool::"npm")
unless { context.approvals.contains("security") };
`
let directory: string
let config: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mayfly-tools-'))
  const sandbox = await startSandbox()
  config = await writeConfiguration(directory, sandbox, 8420, { files: { 'policies/tools.cedar': tools } })
  await sandbox.close()
})
afterAll(() => rm(directory, { recursive: true }))

it('policy explain says why one waits', async () => {
  const scope = ['--agent', 'refactor-bot', '--scope', 'tool:publish:npm publish']
  const { stdout } = await mayfly(['policy', 'explain', '-c', config, ...scope])
  expect(stdout).toContain('tool.publish on Tool::"npm publish" (tool): pending_approval')
  expect(stdout).toMatch(/approval asked by +publishing: What is published stays \(security\)/)
})

it('an expectation holds one in place', async () => {
  const file = join(directory, 'expectations.yaml')
  const of = (scope: string, expect: string) => ({ agent: 'refactor-bot', scope: [scope], expect })
  await writeFile(
    file,
    stringify([
      of('tool:Bash', 'allowed'),
      of('tool:publish:npm', 'pending_approval'),
      of('tool:x', 'denied'),
    ]),
  )
  const { status, stdout } = await mayfly(['policy', 'check', file, '-c', config])
  expect(status).toBe(1)
  expect(stdout).toContain('it is allowed, not denied')
  expect(stdout).toContain('2 of 3 expectations hold')
})

it('validate finds nothing wrong with a tool, and a group that there is not', async () => {
  expect((await mayfly(['validate', '-c', config])).status).toBe(0)
  await writeFile(
    join(directory, 'policies/more.cedar'),
    '@id("more") permit (principal, action in Mayfly::Action::"tols", resource);',
  )
  const { status, stdout, stderr } = await mayfly(['validate', '-c', config])
  expect(status).toBe(1)
  expect(stdout + stderr).toContain('Did you mean `Mayfly::Action::"tool"`?')
})

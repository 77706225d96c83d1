/** `mayfly explain`: what may be had here, and what something would need. */
import { expect, it } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { mayfly } from '../support/mayfly.ts'

const broker = await sharedBroker()
const identity = async () => ({ MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() })

it('tells for each scope what comes of it, in the words of who wrote the policies', async () => {
  const scopes = ['acme/web:contents=read', 'acme/infra:contents=write', 'acme/docs:contents=write']
  const args = scopes.flatMap((scope) => ['--scope', `github:${scope}`])
  const { status, stdout, stderr } = await mayfly(['explain', ...args], await identity())
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout.trimEnd().split('\n')).toEqual([
    'refactor-bot, owned by linus@acme.dev, for at most 3600 seconds',
    '',
    'github:acme/web:contents=read: allowed',
    '  Nothing is in the way: open a task for it.',
    '',
    'github:acme/infra:contents=write: pending_approval',
    '  awaits     the yes of security',
    '  asked by   infra-needs-security: Security looks at every change of the infrastructure first',
    '  security decides: open a task for it, then wait for it with `mayfly task wait`.',
    '',
    'github:acme/docs:contents=write: denied',
    '  denied     github.contents.write on GithubRepository::"acme/docs": docs-are-read-only',
    '  permitted  read, write in GithubOwner::"acme", on conditions (refactor-bot-works-on-acme)',
    '  Ask for no more than refactor-bot-works-on-acme permits, or have the policy changed.',
    '',
    'together: denied',
  ])
})

it('asks for the task that it runs in', async () => {
  const { body: task } = await broker.open()
  const env = { MAYFLY_URL: broker.url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.task_token }
  const { stdout } = await mayfly(['explain', '--scope', 'github:acme/web:contents=read'], env)
  expect(stdout).toContain('allowed, in this task\n  Mint it in this task.')
})

it('answers with --json as the broker does, and without a scope with the overview', async () => {
  const { stdout } = await mayfly(['explain', '--json'], await identity())
  expect(JSON.parse(stdout)).toMatchObject({
    decision: null,
    overview: { permits: [{ id: 'refactor-bot-works-on-acme' }], asks: [{ group: 'security' }] },
  })
  const lines = await mayfly(['explain'], await identity())
  expect(lines.stdout).toContain(
    '\nneeds the yes of security\n  write on GithubRepository::"acme/infra", on conditions (infra-needs-security: Security looks',
  )
})

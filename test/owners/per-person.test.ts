/** What is counted of an agent whose owner a claim names is counted for each person: nobody uses up what is another's. */
import { expect, test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { assistantOf, assistants, person } from '../support/assistants.ts'
import { infra } from '../support/approvals.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const files = {
  ...assistants(),
  'policies/apart.cedar': `@id("not-both")
forbid (principal, action, resource) when { context.held.containsAll(["read", "write"]) };`,
}
const limited = await sharedBroker({
  files,
  settings: { limits: { open_tasks: 2, pending_approvals: 1, live_leases: { task: 50, agent: 1 } } },
})
const hurried = await sharedBroker({
  files,
  settings: { limits: { requests_per_minute: { agent: 3, address: 1000 } } },
})
const asked = (name: string, body: object) =>
  limited.open(body as Record<string, unknown>, {
    ...person(name),
    repository: undefined,
    repository_id: undefined,
  })

test('open tasks, and those that wait', async () => {
  const waiting = await assistantOf(limited, 'ada', { waits: true })
  expectRefusal(
    await asked('ada', { authorization_details: [infra], purpose: 'more' }),
    429,
    'limit_exceeded',
  )
  expect((await assistantOf(limited, 'bob', { waits: true })).status).toBe('pending_approval')
  expect((await assistantOf(limited, 'ada')).id).not.toBe(waiting.id)
  const refused = await asked('ada', {})
  expectRefusal(refused, 429, 'limit_exceeded')
  expect(refused.body.detail).toContain('ada@acme.dev, as this agent, has 2 open tasks')
  expect((await asked('bob', {})).status).toBe(201)
})

test('live leases', async () => {
  const [carol, dan] = [await assistantOf(limited, 'carol'), await assistantOf(limited, 'dan')]
  expect((await limited.mint(carol)).status).toBe(201)
  expectRefusal(await limited.mint(carol), 429, 'limit_exceeded')
  expect((await limited.mint(dan)).status).toBe(201)
})

test('what is held: not what others of the agent hold, but all that is one’s own', async () => {
  const [eve, fay] = [await assistantOf(hurried, 'eve'), await assistantOf(hurried, 'fay')]
  expect((await hurried.mint(eve)).status).toBe(201)
  expect((await hurried.mint(fay, readWeb)).status).toBe(201)
  const { body: other } = await hurried.open(
    { authorization_details: [readWeb] },
    { ...person('eve', { sub: 'people|another-of-eve' }), repository: undefined, repository_id: undefined },
  )
  expect(other.code).toBe('policy_denied')
})

test('requests', async () => {
  const gus = await assistantOf(hurried, 'gus')
  for (let turn = 0; turn < 2; turn += 1) expect((await hurried.read(gus)).status).toBe(200)
  expectRefusal(await hurried.read(gus), 429, 'limit_exceeded')
  expect((await assistantOf(hurried, 'hal')).status).toBe('active')
})

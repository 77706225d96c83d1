/** Open tasks and rules to hold them against, without a broker around them. */
import { onTestFinished } from 'vitest'
import { Agents } from '../../src/agents/registry.ts'
import type { Issuers } from '../../src/identity/issuer.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { type Class, contextFields } from '../../src/provider/terms.ts'
import type { Rules } from '../../src/tasks/context.ts'
import { type Core, startCore } from './lease-core.ts'
import { agent } from './principal.ts'
import { events } from './store.ts'

export const permit = '@id("all") permit (principal, action, resource);'
const actions = (['read', 'write', 'deploy'] as const).map(
  (each) =>
    `action "fake.use.${each}" in [${each}] appliesTo { principal: Agent, resource: Fake, context: Context };`,
)
const vocabulary = { cedar: `type FakeContext = { ${contextFields} }; entity Fake; ${actions.join('\n')}` }

/** A core whose tasks may do what their detail is named after. */
export async function core(): Promise<Core> {
  const started = await startCore()
  onTestFinished(() => started[Symbol.asyncDispose]())
  started.upstream.requests = (detail) => {
    const { name } = detail as { name: Class }
    const resource = { type: 'Fake', id: 'a', parents: [] }
    return [{ action: `fake.use.${name}`, class: name, resource, implied: [] }]
  }
  return started
}

export function rules({ context }: Core, policy: string): Rules {
  const agents = ['refactor-bot', 'other-bot'].map((name) =>
    agent(name, {
      owner: 'linus@acme.dev',
      match: ['repo:acme/web', 'repo:acme/web:x'].map((subject) => ({ issuer: 'ci', subject })),
    }),
  )
  const compiled = compilePolicies([{ file: 'p.cedar', text: policy }], {
    providers: [vocabulary],
    upstreams: [],
    agents,
    approvers: new Set(),
  })
  return {
    issuers: new Map([['https://ci.test', { name: 'ci' }]]) as unknown as Issuers,
    agents: new Agents(agents),
    policies: compiled.policies!,
    connections: context.connections(),
    limits: { liveLeases: { task: 1, agent: 1 }, openTasks: 1, pendingApprovals: 1, approvalWindow: 1 },
  }
}

/** What may be asked for of this class. */
export const scoped = (name: Class) => [
  { provider: 'fake', connection: 'one', detail: { type: 'fake', name } },
]
/** In the order of their ends. */
export const ended = async ({ store }: Core) =>
  (await events(store)).filter(({ type }) => type === 'task.ended').map(({ task }) => task)

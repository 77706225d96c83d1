/**
 * Random trees of tasks, on the real core and store: what is attenuated lies within its parent, and
 * one that is revoked takes along all below it, upstream too, and nothing beside it. `MAYFLY_TREES`
 * says of how many trees; the release is tried with 100000.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Agents } from '../../src/agents/registry.ts'
import { isBrokerError } from '../../src/base/errors.ts'
import { revokeBySelector } from '../../src/control/revocations.ts'
import type { Issuers } from '../../src/identity/issuer.ts'
import type { Rules } from '../../src/tasks/context.ts'
import { issueCredential } from '../../src/tasks/credential.ts'
import { openTask } from '../../src/tasks/open.ts'
import type { Task } from '../../src/tasks/task.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { compiled, wants } from '../support/policy.ts'
import { agent, principal, verifiedToken } from '../support/principal.ts'
import { sound } from '../support/store.ts'

const trees = Number(process.env['MAYFLY_TREES'] ?? 60)
/** Of the core that is started anew for so many: its store grows. */
const treesEach = 240
/** Trees that grow side by side. */
const atOnce = 12

/** What each agent may have by its policy: letters, each a repository. */
const permitted = { bot: 'abcd', other: 'abc', third: 'cd' } as const
type Name = keyof typeof permitted
const names = Object.keys(permitted) as Name[]
const owners = {
  bot: ['linus@acme.dev', 'dev'],
  other: ['linus@acme.dev', 'prod'],
  third: ['data@acme.dev', 'dev'],
}

const policies = compiled(
  ...names.flatMap((name) =>
    permitted[name].split('').map(
      (letter) => `@id("${name}-${letter}")
permit (principal == Mayfly::Agent::"${name}", action, resource == Mayfly::GithubRepository::"acme/${letter}");`,
    ),
  ),
)

const letters = fc.subarray('abcd'.split(''), { minLength: 1 }).map((some) => some.join(''))
/** `below`: which of the tasks before it, counted modulo how many there are. */
const node = fc.record({
  below: fc.nat({ max: 11 }),
  agent: fc.option(fc.constantFrom(...names), { nil: undefined }),
  wanted: letters,
})
const tree = fc.record({
  root: letters,
  nodes: fc.array(node, { minLength: 1, maxLength: 11 }),
  revoked: fc.nat({ max: 11 }),
})

interface Grown {
  task: Task
  name: Name
  has: string
  above: Grown[]
  /** Whether it, or one above it, is for another agent than the one that opened it. */
  isBounded: boolean
  lease: string
}

const within = (inner: string, outer: string) => inner.split('').every((letter) => outer.includes(letter))

function rulesOf({ context }: Core): Rules {
  const agents = new Agents(
    names.map((name) => {
      const [owner, environment] = owners[name]
      return agent(name, { owner, environment, match: [{ issuer: 'ci', subject: name }] })
    }),
  )
  const { iss } = principal('bot')
  const issuers = new Map([[iss, { name: 'ci', issuer: iss, session: undefined }]]) as unknown as Issuers
  const limits = {
    liveLeases: { task: 100, agent: 100_000 },
    openTasks: 100_000,
    pendingApprovals: 10,
    approvalWindow: 60,
  }
  return { issuers, agents, policies, connections: context.connections(), limits }
}

function arrange({ upstream }: Core): void {
  const nameOf = (detail: unknown) => (detail as { name: string }).name
  upstream.covers = (outer, inner) => within(nameOf(inner), nameOf(outer))
  upstream.requests = (detail) =>
    nameOf(detail)
      .split('')
      .map((letter) => wants('github.contents.write', `acme/${letter}`))
}

const asking = (name: string) => ({ purpose: 'p', authorizationDetails: [{ type: 'fake', name }], ttl: 600 })

/** Mints all that the task may have. */
async function holding(core: Core, rules: Rules, grown: Omit<Grown, 'lease'>): Promise<Grown> {
  const authorizationDetail = { type: 'fake', name: grown.has }
  const { lease } = await issueCredential(core.context, rules, { task: grown.task, authorizationDetail })
  return { ...grown, lease: lease.id }
}

async function plant(core: Core, rules: Rules, wanted: string): Promise<Grown> {
  const verified = verifiedToken('bot', core.clock.now())
  const { task } = await openTask(core.context, rules, { ...asking(wanted), verified })
  return await holding(core, rules, {
    task: sound(task),
    name: 'bot',
    has: wanted,
    above: [],
    isBounded: false,
  })
}

/** A child, or undefined where it is refused: each exactly where it should be. */
async function branch(
  core: Core,
  rules: Rules,
  parent: Grown,
  { agent: named, wanted }: { agent: Name | undefined; wanted: string },
): Promise<Grown | undefined> {
  const name = named ?? parent.name
  const isBounded = parent.isBounded || name !== parent.name
  const allowed =
    within(wanted, permitted[name]) && (!isBounded || within(wanted, parent.has)) && parent.above.length < 8
  let task: Task
  try {
    const asked = { ...asking(wanted), parent: parent.task, agent: named }
    task = sound((await openTask(core.context, rules, asked)).task)
  } catch (error) {
    expect(isBrokerError(error), String(error)).toBe(true)
    expect({ wanted, name, allowed }).toEqual({ wanted, name, allowed: false })
    return undefined
  }
  expect({ wanted, name, allowed }).toEqual({ wanted, name, allowed: true })
  expect(task).toMatchObject({ agent: name, parent: parent.task.id, depth: parent.task.depth + 1 })
  expect(task.expiresAt).toBeLessThanOrEqual(parent.task.expiresAt)
  return await holding(core, rules, { task, name, has: wanted, above: [parent, ...parent.above], isBounded })
}

async function tryOne(
  core: Core,
  rules: Rules,
  { root, nodes, revoked }: typeof tree extends fc.Arbitrary<infer T> ? T : never,
) {
  const grown = [await plant(core, rules, root)]
  for (const { below, ...asked } of nodes) {
    const child = await branch(core, rules, grown[below % grown.length]!, asked)
    if (child) grown.push(child)
  }
  const cut = grown[revoked % grown.length]!
  const gone = grown.filter((each) => each === cut || each.above.includes(cut))
  const order = {
    selector: { task: cut.task.id },
    reason: 'a test',
    actor: 'admin:test',
    fence: false,
  } as const
  const report = await revokeBySelector(core.context, rules, order)
  expect(report.tasks.toSorted()).toEqual(gone.map(({ task }) => task.id).toSorted())
  const working = new Set(core.upstream.working())
  for (const each of grown) {
    const isGone = gone.includes(each)
    expect(working.has(each.lease)).toBe(!isGone)
    const { status, endReason } = await core.task(each.task.id)
    const reason = each === cut ? 'revoked' : 'parent_ended'
    expect({ status, endReason }).toEqual(
      isGone ? { status: 'revoked', endReason: reason } : { status: 'active', endReason: null },
    )
  }
  await revokeBySelector(core.context, rules, { ...order, selector: { task: grown[0]!.task.id } })
  const left = core.upstream.working()
  expect(grown.filter(({ lease }) => left.includes(lease))).toEqual([])
}

test(
  `of ${trees} random trees none is wider than it may be, and none loses more or less than what is below`,
  async () => {
    for (let done = 0; done < trees; done += treesEach) {
      await using core = await startCore()
      arrange(core)
      const rules = rulesOf(core)
      const runs = { numRuns: Math.ceil(Math.min(treesEach, trees - done) / atOnce) }
      await fc.assert(
        // Side by side: what one loses, none of the others may, and they share commits.
        fc.asyncProperty(fc.array(tree, { minLength: atOnce, maxLength: atOnce }), async (some) => {
          await Promise.all(some.map((each) => tryOne(core, rules, each)))
        }),
        runs,
      )
    }
  },
  30_000 + trees * 500,
)

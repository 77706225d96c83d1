/** A request that stood still in between, and another with its key that did not. */
import { expect, test } from 'vitest'
import { Agents } from '../../src/agents/registry.ts'
import type { Unit } from '../../src/base/unit.ts'
import type { Issuers } from '../../src/identity/issuer.ts'
import type { Rules, TaskContext } from '../../src/tasks/context.ts'
import { issueCredential } from '../../src/tasks/credential.ts'
import { exchange } from '../../src/tasks/exchange.ts'
import { openTask } from '../../src/tasks/open.ts'
import { authenticate } from '../../src/tasks/token.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { compiled, wants } from '../support/policy.ts'
import { agent, principal, verifiedToken } from '../support/principal.ts'
import { sound } from '../support/store.ts'
import { until } from '../support/until.ts'

const authorizationDetail = { type: 'fake', name: 'a' }
const idempotency = { key: 'k', digest: 'd' }

function rulesOf({ context }: Core): Rules {
  const { iss } = principal('bot')
  return {
    issuers: new Map([[iss, { name: 'ci', issuer: iss, session: undefined }]]) as unknown as Issuers,
    agents: new Agents([
      agent('bot', { owner: 'linus@acme.dev', match: [{ issuer: 'ci', subject: 'bot' }] }),
    ]),
    policies: compiled(
      '@id("all") permit (principal == Mayfly::Agent::"bot", action, resource == Mayfly::GithubRepository::"acme/web");',
    ),
    connections: context.connections(),
    limits: {
      liveLeases: { task: 10, agent: 10 },
      openTasks: 10,
      pendingApprovals: 10,
      approvalWindow: 60,
    },
  }
}

/** A core, and what a token of the one agent asks for. */
async function starting() {
  const core = await startCore()
  core.upstream.requests = () => [wants('github.contents.write', 'acme/web')]
  const verified = verifiedToken('bot', core.clock.now())
  const asked = { purpose: 'p', authorizationDetails: [authorizationDetail], ttl: 600, verified }
  return { core, rules: rulesOf(core), asked }
}

/** The same, whose second commit waits until it may. */
function standingStill(context: TaskContext) {
  const { promise, resolve } = Promise.withResolvers<void>()
  let commits = 0
  const unit: Unit = {
    read: (work) => context.unit.read(work),
    find: (work) => context.unit.find(work),
    async write(work) {
      commits += 1
      if (commits === 2) await promise
      return await context.unit.write(work)
    },
  }
  return { context: { ...context, unit }, isStanding: () => commits === 2, goOn: resolve }
}

test('what the other was given is not ended for it, nor is there a second credential', async () => {
  const { core: started, rules, asked } = await starting()
  await using core = started
  const task = sound((await openTask(core.context, rules, asked)).task)
  const request = { task, authorizationDetail, idempotency }

  const late = standingStill(core.context)
  const overtaken = issueCredential(late.context, rules, request)
  await until(late.isStanding)
  const { lease } = await issueCredential(core.context, rules, request)
  late.goOn()

  await expect(overtaken).rejects.toMatchObject({ code: 'conflict' })
  await core.quiet()
  expect((await core.lease(lease.id)).status).toBe('active')
  expect(core.upstream.working()).toEqual([lease.id])
})

test('of those that resume one task, the last gets its credential: no other task token is good', async () => {
  const { core: started, rules, asked } = await starting()
  await using core = started
  const request = { ...asked, idempotency }
  await exchange(core.context, rules, request)

  const late = standingStill(core.context)
  const overtaken = exchange(late.context, rules, request)
  await until(late.isStanding)
  const { opened, minted } = await exchange(core.context, rules, request)
  late.goOn()

  await expect(overtaken).rejects.toMatchObject({ code: 'conflict' })
  await core.quiet()
  expect(core.upstream.working()).toEqual([minted!.lease.id])
  expect(await authenticate(core.context, opened.token)).toHaveProperty('id', opened.task.id)
})

test('whose task is resumed by another gets no credential that was being minted for it', async () => {
  const { core: started, rules, asked } = await starting()
  await using core = started
  const request = { ...asked, idempotency }
  core.upstream.fates.push('held')
  const first = exchange(core.context, rules, request)
  await until(() => core.upstream.fates.length === 0)

  const late = standingStill(core.context)
  const second = exchange(late.context, rules, request)
  await until(late.isStanding)
  core.upstream.release()
  await expect(first).rejects.toMatchObject({ code: 'conflict' })
  late.goOn()
  const { minted } = await second
  expect(core.upstream.working()).toEqual([minted!.lease.id])
})

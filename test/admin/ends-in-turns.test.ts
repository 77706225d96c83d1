/** An order that ends very many tasks is one transaction, and others have their turns meanwhile: a probe waits for a few ends. */
import { expect, test } from 'vitest'
import { revokeBySelector } from '../../src/control/revocations.ts'
import { suspendAgent } from '../../src/control/suspend.ts'
import { ended, permit, rules } from '../support/review.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { turnsDuring } from '../support/turns.ts'

const count = 120
const admin = {
  id: 'people:ada',
  subject: 'ada',
  email: undefined,
  emailVerified: false,
  entries: [],
  rights: new Set<never>(),
}

const orders: Record<string, (core: Core) => Promise<unknown>> = {
  suspends: (core) => suspendAgent(core.context, rules(core, permit), admin, 'refactor-bot', 'incident'),
  revokes: (core) =>
    revokeBySelector(core.context, rules(core, permit), {
      selector: { agent: 'refactor-bot' },
      reason: 'incident',
      actor: 'admin:people:ada',
    }),
}

test.each(Object.entries(orders))('others have their turns while an order %s', async (_what, order) => {
  await using core = await startCore()
  for (let n = 0; n < count; n += 1) await core.open()
  // What the order takes besides its ends: turns that any takes.
  const { turns: few } = await turnsDuring(() => core.context.unit.write(async () => undefined))
  const { turns } = await turnsDuring(() => order(core))
  expect(await ended(core)).toHaveLength(count)
  expect(turns - few).toBeGreaterThanOrEqual(count / 10)
})

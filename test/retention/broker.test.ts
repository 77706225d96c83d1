/** `retention:` of a running broker. */
import { expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import { startTestBroker } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { rows } from '../support/database.ts'
import { mayfly } from '../support/mayfly.ts'
import { untilNow } from '../support/until.ts'

test('what has ended is gone after its time, and the record still verifies', async () => {
  const clock = manualClock()
  await using broker = await startTestBroker({
    clock,
    settings: { retention: { tasks: '1h', audit: '2h' } },
  })
  const { body: task } = await broker.open()
  await broker.mint(task)
  const verify = (...args: string[]) => mayfly(['audit', 'verify', '-c', broker.file, ...args])
  const { head: early } = JSON.parse((await verify('--json')).stdout) as { head: string }
  await broker.complete(task)
  await clock.advance(59 * 60_000)
  expect(rows(broker, 'tasks')).toHaveLength(1)
  await untilNow(clock, async () => {
    await clock.advance(60_000)
    return rows(broker, 'tasks').length === 0
  })
  expect(rows(broker, 'leases')).toHaveLength(0)
  expect(await discrepancies(broker)).toEqual([])
  expect(rows(broker, 'audit_events', 'seq = 1')).toHaveLength(1)
  await untilNow(clock, async () => {
    await clock.advance(60_000)
    return rows(broker, 'audit_events', `task = '${task.id}'`).length === 0
  })
  expect(await discrepancies(broker)).toEqual([])
  const held = await verify('--head', early)
  expect(held).toMatchObject({ status: 1, stdout: '' })
  expect(held.stderr).toMatch(
    /^mayfly: event \d+ was pruned since its head was noted.*; from event \d+ on that is intact\n {2}Give the head of event \d+ or of a later one.*\n$/,
  )
  const page = await broker.call('GET', '/v1/admin/audit', { token: await broker.admin() })
  expect(page.status).toBe(200)
  expect(JSON.stringify(page.body)).not.toContain('"damaged"')
})

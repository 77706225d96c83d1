/** What is remembered of tasks that were heard ends with them. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openCore } from '../../src/broker/core.ts'
import { Connections } from '../../src/leases/connections.ts'
import { Services } from '../../src/provider/services.ts'
import { endTask } from '../../src/tasks/end.ts'
import { silenceMs } from '../../src/tasks/heartbeats.ts'
import { manualClock } from '../support/clock.ts'
import { aTask } from '../support/store.ts'

test('a task that is over is heard no more', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-heard-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const clock = manualClock()
  const connections = new Connections([], [])
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const { context, close } = await openCore({
    store: { kind: 'sqlite', path: join(directory, 'store.db') },
    sealKeys: [{ id: 'one', secret: randomBytes(32) }],
    audit: { heads: { kind: 'log' }, lastHead: undefined },
    services: new Services(),
    clock,
    log,
    connections: () => connections,
    url: () => 'http://127.0.0.1',
  })
  onTestFinished(close)
  const { unit, tasks, heartbeats } = context
  const begun = clock.now()
  const heard = { heartbeat: 10, expiresAt: begun + 600_000 }
  const [over, open] = [aTask(heard), aTask(heard)]
  await unit.write(async (tx) => {
    await tasks.insert(tx, over, 'a')
    await tasks.insert(tx, open, 'b')
  })
  await clock.advance(5_000)
  for (const task of [over, open]) heartbeats.hear(task)
  await unit.write((tx) => endTask(context, tx, over, { reason: 'completed', actor: 'broker' }))
  expect(heartbeats.silentAt(over)).toBe(begun + silenceMs(10))
  expect(heartbeats.silentAt(open)).toBe(clock.now() + silenceMs(10))
})

/** An exchange whose broker is killed under it: the same key finds the task again. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import type { Point } from '../support/crashing-broker.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'
import { form, post } from '../support/oauth-form.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox
const program = fileURLToPath(new URL('../support/crashing-broker.ts', import.meta.url))

test.each<Point>(['after the intent', 'after the mint', 'before the reply'])(
  '%s: asked again it gives one credential, and what was lost with it is accounted for',
  async (point) => {
    const earlier = ledger.entries.length
    await broker.stop()
    const doomed = spawn(process.execPath, [program, broker.file, point], { stdio: 'ignore' })
    onTestFinished(() => void doomed.kill('SIGKILL'))
    const killed = once(doomed, 'exit')
    const answers = () => broker.call('GET', '/readyz').then(({ status }) => status === 200)
    await until(() => answers().catch(() => false))
    const asked = await form(broker)
    const ask = () => post(broker, '/oauth/token', asked, { 'Idempotency-Key': 'k' })
    await expect(ask()).rejects.toThrow()
    expect((await killed)[1]).toBe('SIGKILL')
    const lost = ledger.entries.slice(earlier)
    await broker.start()

    const { status, body } = await ask()
    expect(status).toBe(200)
    expect(await broker.use(body.access_token)).toBe(200)
    const [before] = lost.filter(({ revokedAt }) => revokedAt === undefined)
    if (point === 'before the reply') expect(before).toBeUndefined()
    await broker.complete({ ...body.task, task_token: body.task_token })
    // What nobody has the value of stays in view for as long as it could live.
    const { body: task } = await broker.read({ ...body.task, task_token: body.task_token })
    const [first] = task.leases
    if (point === 'before the reply') expect(first.status).toBe('revoked')
    else expect(Date.parse(first.live_until)).toBeGreaterThanOrEqual(before?.expiresAt ?? 0)
    expect(task.leases.at(-1)).toMatchObject({ id: body.lease.id, status: 'revoked' })
    expect(await discrepancies(broker)).toEqual([])
  },
)

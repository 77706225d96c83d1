/** A command that goes on after its task was ended for it. */
import { expect, test } from 'vitest'
import { startMayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ github: { tokenLife: 8_000 } })

test('nothing is renewed for it: each would be refused, on record', async () => {
  const line = ['run', '--purpose', 'a test', '--ttl', '600', '--scope', 'github:acme/web:contents=read']
  const running = startMayfly([...line, '--', 'sh', '-c', 'trap "" TERM; echo ready; sleep 7; exit 8'], {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  await running.printed('ready')
  running.process.kill('SIGTERM')
  expect(await running.ended).toMatchObject({ status: 8, stderr: '' })
  const asked = broker.log.filter((entry) => entry.includes('/credentials'))
  expect(asked).toHaveLength(1)
})

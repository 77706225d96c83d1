/** `kill -9` of the broker in the middle of a delivery: nothing is left out, and nothing comes out of order. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../support/approvals.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { startMayfly } from '../support/mayfly.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { until } from '../support/until.ts'

let broker: TestBroker
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
  broker = await startTestBroker({
    settings: {
      notify: [{ name: 'pager', kind: 'generic', url: receiver.url, secret: { file: './hook.key' } }],
    },
    files: { 'hook.key': Buffer.alloc(32, 9).toString('base64') },
  })
  await broker.stop()
})
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  await receiver.close()
})

const serve = async () => {
  const served = startMayfly(['serve', '-c', broker.file])
  await served.printed('"listening"')
  return served
}
const take = () => (receiver.answer = (response) => void response.writeHead(204).end())
const idOf = ({ headers }: Receiver['taken'][number]) => headers['webhook-id']

test('killed before it was answered: what was sent then is sent again under the same id, and the rest after it', async () => {
  const first = await serve()
  const taken = await ask(broker)
  await until(() => receiver.taken.length === 1)
  // It is noted that this one was taken before the next is sent.
  receiver.answer = () => undefined
  const cut = await ask(broker)
  const unsent = [await ask(broker), await ask(broker)]
  await until(() => receiver.deliveries.length === 2)
  first.process.kill('SIGKILL')
  await first.ended
  take()

  const second = await serve()
  const last = await ask(broker)
  await until(() => receiver.taken.length === 5)
  const tasks = receiver.taken.map(({ body }) => body.data.task)
  expect(tasks).toEqual([taken, cut, ...unsent, last].map(({ id }) => id))
  expect(idOf(receiver.taken[1]!)).toBe(idOf(receiver.deliveries[1]!))
  expect(new Set(receiver.taken.map(idOf)).size).toBe(5)
  second.process.kill('SIGTERM')
  expect((await second.ended).status).toBe(0)
})

test('while it was down nobody was told; a start after an end in good order tells nothing twice', async () => {
  receiver.taken.length = receiver.deliveries.length = 0
  const served = await serve()
  const { id } = await ask(broker)
  await until(() => receiver.deliveries.length > 0)
  expect(receiver.deliveries.map(({ body }) => body.data.task)).toEqual([id])
  served.process.kill('SIGTERM')
  await served.ended
})

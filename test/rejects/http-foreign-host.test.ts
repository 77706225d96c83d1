import { expect, test } from 'vitest'
import { raw } from '../support/raw-http.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { host, port } = new URL(broker.url)
const { body: task } = await broker.open()

const ask = (path: string, headers: string[]) => raw(broker.url + path, { headers })
const read = (...headers: string[]) =>
  ask(`/v1/tasks/${task.id}`, [...headers, 'Authorization', `Bearer ${task.task_token}`])

// DNS rebinding: a page whose name was made to point to this address sends its own name.
test.each(['rebound.example', `rebound.example:${port}`, '127.0.0.1', '127.0.0.1:1', `localhost:${port}`])(
  'a request for the host %s is refused',
  async (other) => expectRefusal(await read('Host', other), 400, 'invalid_request'),
)

test('what a proxy or a client says of the host besides does not matter', async () => {
  expectRefusal(await read('Host', 'rebound.example', 'X-Forwarded-Host', host), 400, 'invalid_request')
  expect((await read('Host', host, 'X-Forwarded-Host', 'rebound.example')).status).toBe(200)
})

test('a probe may use whatever name it knows', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics'])
    expect((await ask(path, ['Host', 'pod.internal'])).status).toBe(200)
})

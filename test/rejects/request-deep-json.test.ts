import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each(['[', '{"a":'])('a body nested without end by %s is refused', async (nest) => {
  const [depth, close] = [10_000, nest === '[' ? ']' : '}']
  const deep = `${nest.repeat(depth)}0${close.repeat(depth)}`
  const body = `{"purpose":"a test","authorization_details":[{"type":"github","permissions":${deep}}]}`
  expectRefusal(
    await broker.call('POST', '/v1/tasks', { token: await broker.workload(), body }),
    400,
    'invalid_request',
  )
})

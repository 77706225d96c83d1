import { test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([
  'acme/web/x',
  'acme/..',
  '../web',
  'acme/../other',
  'acme/web%2F..',
  'acme/web?x',
  'acme/web#x',
  'acme//web',
  '/acme/web',
  'acme/web ',
  'acme/web\n',
  'acme/wéb',
  'acme/web.git',
])('the repository %j is refused', async (name) => {
  const detail = { ...writeWeb, repositories: [name] }
  expectRefusal(await broker.open({ authorization_details: [detail] }), 400, 'invalid_request')
})

import { expect, test } from 'vitest'
import { assistants, person } from '../support/assistants.ts'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ files: assistants() })

test.each<[string, Record<string, unknown>]>([
  ['absent', { email: undefined }],
  ['null', { email: null }],
  ['empty', { email: '' }],
  ['blank', { email: ' ' }],
  ['with space around it', { email: ' ada@acme.dev' }],
  ['a number', { email: 7 }],
  ['a list', { email: ['ada@acme.dev'] }],
  ['an object', { email: { value: 'ada@acme.dev' } }],
  ['of two lines', { email: 'ada@acme.dev\nbob@acme.dev' }],
  ['written backwards', { email: '\u202eved.emca@ada' }],
  ['longer than any address', { email: `${'a'.repeat(600)}@acme.dev` }],
  ['said not to be verified', { email_verified: false }],
  ['said in words not to be verified', { email_verified: 'false' }],
  ['not said to be verified', { email_verified: undefined }],
  ['verified by nobody', { email_verified: null }],
])('a token whose owner claim is %s opens nothing', async (_what, claims) => {
  const answer = await broker.open({}, person('ada', claims))
  expectRefusal(answer, 403, 'unknown_agent')
  expect(answer.body.detail).toContain('`email`')
  expect(rows(broker, 'tasks')).toEqual([])
})

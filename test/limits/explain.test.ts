/** Asking what one may do is limited and counted: it is also how one looks for a way in. */
import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  settings: { limits: { requests_per_minute: { agent: 5, address: 1000 } } },
})

test('who probes is turned away, and stands on record once, with what was denied', async () => {
  const token = await broker.workload()
  const body = { authorization_details: [{ ...writeWeb, repositories: ['acme/docs'] }] }
  const answers = []
  for (let n = 0; n < 7; n += 1) answers.push(await broker.call('POST', '/v1/explain', { token, body }))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429])
  await broker.stop()
  const events = rows(broker, 'audit_events', `type = 'request.explained'`)
  expect(events.map((event) => ({ ...event, data: JSON.parse(event.data!) }))).toMatchObject([
    {
      actor: 'agent:refactor-bot',
      agent: 'refactor-bot',
      owner: 'linus@acme.dev',
      data: {
        explained: 5,
        denied: 5,
        requests: expect.arrayContaining([answers[0]!.headers.get('X-Request-Id')]),
        what: expect.arrayContaining(['github.contents.write on GithubRepository::"acme/docs"']),
      },
    },
  ])
})

/** What is wrong with a request is told all at once, in words, with what may have been meant. */
import { expect, test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

async function told(body: object): Promise<string> {
  const answer = await broker.call('POST', '/v1/tasks', { token: await broker.workload(), body })
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  return answer.body.detail as string
}
const sound = { purpose: 'a test', authorization_details: [readWeb] }

test('every field of a body, and every detail, in one answer', async () => {
  const detail = await told({
    purpose: '',
    purpos: 'x',
    ttl: 'long',
    authorization_details: [
      { type: 'gitub', repositories: ['acme/web'] },
      { type: 'github', repository: 'acme/web', permissions: { content: 'read', issues: 'reed' } },
    ],
  })
  for (const fault of [
    /purpose: /,
    /"purpos" is not known here; did you mean purpose\?/,
    /ttl: expected number/,
    /authorization_details\.0\.type: one of github, .*did you mean github\?/,
    /authorization_details\.1\.repositories: is missing/,
    /"repository" is not known here; did you mean repositories\?/,
    /"content" is not a permission; did you mean contents\?/,
    /authorization_details\.1\.permissions\.issues: issues has the levels: read, write/,
  ])
    expect(detail).toMatch(fault)
})

test('every detail that nothing serves', async () => {
  const detail = await told({
    ...sound,
    authorization_details: [
      { ...readWeb, repositories: ['acmee/web'] },
      { ...readWeb, connection: 'acmme' },
    ],
  })
  expect(detail).toMatch(/authorization_details\.0: no github connection serves this; did you mean acme\?/)
  expect(detail).toMatch(
    /authorization_details\.1: no github connection named "acmme" serves this; did you mean \w+\?/,
  )
})

test('more than anybody reads is counted', async () => {
  const wrong = Array.from({ length: 20 }, () => ({ type: 'github', a: 1, permissions: {} }))
  expect(await told({ ...sound, authorization_details: wrong })).toMatch(/; and \d+ more$/)
})

import { expect, test } from 'vitest'
import { detail } from '../../src/wire/schemas.ts'
import { writeWeb } from '../support/broker.ts'
import { form, post } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// They reach logs, the audit's exports, upstream headers, and the terminals of those who approve.
const control = ['\0', '\n', '\r\nX-Injected: 1', '\t', '\u001b[2J', '\u007f', '\u0085', '\u2028', '\u2029']
const bidirectional = [0x61c, 0x200e, 0x200f, 0x202a, 0x202e, 0x2066, 0x2067, 0x2069]
const invisible = [0xad, 0x200b, 0x200c, 0x200d, 0x2060, 0x2063, 0x3164, 0xfe00, 0xfeff, 0xe0041, 0xe0101]

test.each([...control, ...[...bidirectional, ...invisible].map((code) => String.fromCodePoint(code))])(
  'what does not show, as in %j, is refused in every text of the caller',
  async (character) => {
    const text = `a${character}b`
    expectRefusal(await broker.open({ purpose: text }), 400, 'invalid_request')
    expectRefusal(await broker.open({ context: { ticket: text } }), 400, 'invalid_request')
    expectRefusal(await broker.open({ context: { [text]: 'x' } }), 400, 'invalid_request')
    expectRefusal(await broker.open({ agent: text }), 400, 'invalid_request')
    const extra = { ...writeWeb, connection: text }
    expectRefusal(await broker.open({ authorization_details: [extra] }), 400, 'invalid_request')
    const { body: task } = await broker.open()
    expectRefusal(await broker.mint(task, extra), 400, 'invalid_request')
    expectRefusal(await broker.mint(task, writeWeb, { step: text }), 400, 'invalid_request')
    const exchanged = (asked: object) =>
      form(broker).then((rest) => post(broker, '/oauth/token', { ...rest, ...asked }))
    expectOAuthError(await exchanged({ purpose: text }), 400, 'invalid_request', 'invalid_request')
    const details = JSON.stringify([extra])
    expect((await exchanged({ authorization_details: details })).body.error).toBe(
      'invalid_authorization_details',
    )
  },
)

test.each(['\u202e', '\u200b', '\u001b'])(
  '%j is refused in the words of an admin, and in what they look for',
  async (character) => {
    const text = `a${character}b`
    const token = await broker.admin()
    const post = (path: string, body: unknown) => broker.call('POST', path, { token, body })
    const reason = { reason: text }
    for (const answer of [
      await post('/v1/admin/revocations', { selector: { agent: 'refactor-bot' }, ...reason }),
      await post('/v1/admin/revocations', { selector: { agent: text }, reason: 'a test' }),
      await post('/v1/admin/agents/refactor-bot/suspend', reason),
      await post('/v1/admin/agents/refactor-bot/resume', reason),
      await post('/v1/admin/approvals/appr_x/approve', { digest: 'x', ...reason }),
      await post('/v1/admin/approvals/appr_x/deny', { digest: 'x', ...reason }),
      await broker.call('GET', `/v1/admin/tasks?owner=${encodeURIComponent(text)}`, { token }),
    ])
      expectRefusal(answer, 400, 'invalid_request')
  },
)

test('words of any language are welcome, and emoji', async () => {
  const purpose = 'Mise à jour · обновление · 更新 · עדכון · تحديث · अद्यतन ❤️ 🚀'
  const { status, body } = await broker.open({ purpose })
  expect({ status, purpose: body.purpose }).toEqual({ status: 201, purpose })
})

test('a detail is held to it whatever its provider would say', () => {
  for (const hidden of ['\u001b[2J', '\u202e', '\u200b']) {
    expect(detail.safeParse({ type: 'new', note: `a${hidden}b` }).success).toBe(false)
    expect(detail.safeParse({ type: 'new', deep: [{ [`a${hidden}b`]: 1 }] }).success).toBe(false)
  }
  expect(detail.safeParse({ type: 'new', note: 'héllo 日本', deep: [1, true, null] }).success).toBe(true)
})

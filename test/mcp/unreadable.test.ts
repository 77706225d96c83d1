/** A task that was opened here and that its token does not show any more, as an hour after its end. */
import { expect, it } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { connectTo, sessionAt } from './in-process.ts'

const broker = await sharedBroker()

it.each([
  [
    'not_found',
    (url: string, headers: Headers) => [url.replace(/task_\w+/, 'task_unknown'), headers] as const,
  ],
  [
    'invalid_token',
    (url: string, headers: Headers) => {
      headers.set('Authorization', `Bearer mft_${'x'.repeat(43)}`)
      return [url, headers] as const
    },
  ],
])('is over where the broker answers %s, and nothing else is the worse for it', async (_code, lose) => {
  let lost: string | undefined
  const fetching: typeof fetch = async (asked, init) => {
    const { url, headers } = new Request(asked, init)
    if (lost === undefined || !url.includes(lost)) return await fetch(asked, init)
    const [to, as] = lose(url, headers)
    return await fetch(to, { ...init, headers: as })
  }
  const { call } = await connectTo(sessionAt(broker, { fetch: fetching }), '2026-07-28')
  const asked = { authorization_details: ['github:acme/web:contents=read'], purpose: 'a test' }
  const open = async (more: object = {}) =>
    (await call('request_access', { ...asked, ...more })).value.task.id
  const [first, other] = [await open(), await open({ purpose: 'another' })]

  lost = first
  const { refused, value } = await call('status')
  expect({ refused, accesses: value.accesses }).toMatchObject({ refused: false, accesses: [{ id: other }] })
  for (const tool of ['give_back', 'status'])
    expect((await call(tool, { access: first })).value).toMatchObject({ code: 'not_found' })

  lost = other
  const again = await open({ purpose: 'another' })
  expect(again).toMatch(/^task_/)
  expect(again).not.toBe(other)
})

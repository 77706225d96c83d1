/** The page of this machine that a login comes back to: who else asks it for something gets nothing. */
import { request } from 'node:http'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { listenForAnswer, type Loopback } from '../../src/client/login/loopback.ts'

const state = 'the-state-of-this-login'
let page: Loopback
let stopped: AbortController
beforeEach(async () => {
  stopped = new AbortController()
  page = await listenForAnswer(
    state,
    (redirect) => new URL(`https://issuer.test/authorize?to=${redirect}&state=${state}`),
    stopped.signal,
  )
  onTestFinished(() => page[Symbol.asyncDispose]())
})

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(page.start)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: url, headers, method }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => void (body += text))
      response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
    })
      .once('error', reject)
      .end()
  })
}

const pathOf = (url: string) => url.slice(new URL(url).origin.length)
const begin = async () => {
  const { headers } = await ask(pathOf(page.start))
  return { Cookie: String(headers['set-cookie']).split(';', 1)[0]! }
}
const settled = async () =>
  await Promise.race([page.answer, new Promise((resolve) => setTimeout(resolve, 20, 'still waiting'))])

test('the browser that was sent to the issuer is heard', async () => {
  const mine = await begin()
  const answer = ask(`/callback?code=mine&state=${state}`, mine)
  expect(((await page.answer) as URL).searchParams.get('code')).toBe('mine')
  page.finish('Done.')
  expect(await answer).toMatchObject({ status: 200, body: expect.stringContaining('Done.') })
})

test.each<[string, string, Record<string, string>]>([
  ['no state', '/callback?code=x', {}],
  ['another state', '/callback?code=x&state=guess', {}],
  ['two states', `/callback?code=x&state=${state}&state=${state}`, {}],
  ['the state, in another browser', `/callback?code=x&state=${state}`, { Cookie: 'mayfly_login_00000000=x' }],
  ['an error, to end the login', '/callback?error=access_denied', {}],
])('an answer with %s is not one, and the login goes on', async (_what, path, headers) => {
  const mine = await begin()
  const status = (await ask(path, 'Cookie' in headers ? headers : { ...mine, ...headers })).status
  expect(status).toBe(400)
  expect(await settled()).toBe('still waiting')
  void ask(`/callback?code=mine&state=${state}`, mine)
  expect(await page.answer).toBeInstanceOf(URL)
})

test('before anybody began there is nothing to answer', async () => {
  expect((await ask(`/callback?code=x&state=${state}`)).status).toBe(400)
  expect(await settled()).toBe('still waiting')
})

test('who comes second to the address that was printed is not sent on', async () => {
  const mine = await begin()
  const { status, headers } = await ask(pathOf(page.start))
  expect(status).toBe(409)
  expect(headers.location).toBeUndefined()
  expect((await ask(pathOf(page.start), mine)).status).toBe(303)
})

test('the second answer is refused', async () => {
  const mine = await begin()
  void ask(`/callback?code=mine&state=${state}`, mine)
  await page.answer
  expect((await ask(`/callback?code=other&state=${state}`, mine)).status).toBe(409)
})

test.each<[string, string, Record<string, string>, string]>([
  ['under a name that was made to point here', '/callback', { Host: 'evil.test' }, 'GET'],
  ['by a form', '/callback', {}, 'POST'],
  ['for something else', '/', {}, 'GET'],
  ['for what is no path', '//[', {}, 'GET'],
  ['for a path that would be another host', '@evil.test/callback', {}, 'GET'],
])('asked %s it answers nothing', async (_what, path, headers, method) => {
  const { status } = await ask(path, headers, method).catch(() => ({ status: 400 }))
  expect([400, 404]).toContain(status)
  expect(await settled()).toBe('still waiting')
})

test('nothing of it is kept or handed on by the browser', async () => {
  for (const { headers } of [await ask(pathOf(page.start)), await ask('/callback')])
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
})

test('a login that is stopped ends', async () => {
  stopped.abort(new Error('stopped'))
  await expect(page.answer).rejects.toThrow('stopped')
})

/** What others try with an approver's browser, or with a login that is not theirs. */
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/approvals.ts'
import { answerAtIssuer, Browser } from '../support/console.ts'
import { rows } from '../support/database.ts'
import { consoleBroker } from '../support/people.ts'
import { aJwt } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(consoleBroker)
const session = '__Host-mayfly'
const login = '__Host-mayfly-login'

async function waiting() {
  const task = await ask(broker)
  const [{ id }] = task.approvals as [{ id: string }]
  const isWaiting = async () => (await broker.read(task)).body.status === 'pending_approval'
  return { id, path: `/console/approvals/${id}`, isWaiting }
}

test('no page can be framed, runs anything, or sends a form elsewhere', async () => {
  const { id, path } = await waiting()
  const browser = new Browser(broker)
  const pages = [
    await browser.send(path),
    await browser.open('ada', id),
    await browser.send('/console/approvals/nothing'),
  ]
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 404])
  for (const { headers, text } of pages) {
    expect(headers.get('Content-Type')).toContain('text/html')
    const policy = headers.get('Content-Security-Policy')
    for (const part of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "form-action 'self'",
      "base-uri 'none'",
    ])
      expect(policy).toContain(part)
    expect(policy).not.toContain('unsafe')
    expect(headers.get('X-Frame-Options')).toBe('DENY')
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(headers.get('Referrer-Policy')).toBe('no-referrer')
    expect(text).not.toContain('<script')
  }
})

test('its cookies are of this host alone, and out of reach of scripts and of other sites’ forms', async () => {
  const { id } = await waiting()
  const browser = new Browser(broker)
  const begun = await browser.send(`/console/login?issuer=sandbox&approval=${id}`)
  const back = await answerAtIssuer(begun.headers.get('Location')!, 'ada')
  const finished = await browser.send(back)
  const set = [...begun.headers.getSetCookie(), ...finished.headers.getSetCookie()]
  expect(set.map((each) => each.split('=', 1)[0])).toEqual([login, login, session])
  for (const each of set) {
    for (const attribute of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax'])
      expect(each).toContain(attribute)
    expect(each).not.toContain('Domain')
  }
})

test.each<[string, { form?: Record<string, string>; headers?: Record<string, string> }]>([
  ['without what its form has', { form: { csrf: '' } }],
  ['with what another’s form has', { form: { csrf: 'a'.repeat(43) } }],
  ['from another site', { headers: { Origin: 'https://evil.example' } }],
  ['from a page that hides where it is', { headers: { Origin: 'null' } }],
  ['as no form', { headers: { 'Content-Type': 'text/plain' } }],
])('an answer that comes %s is none', async (_what, { form, headers = {} }) => {
  const { id, path, isWaiting } = await waiting()
  const browser = new Browser(broker)
  const page = await browser.open('ada', id)
  const sent = { csrf: page.hidden('csrf'), digest: page.hidden('digest'), answer: 'approve', ...form }
  const refused = await browser.send(path, { form: sent, headers })
  expect([403, 415]).toContain(refused.status)
  expect(await isWaiting()).toBe(true)
  const out = await browser.send('/console/logout', { form: { csrf: sent.csrf, ...form }, headers })
  expect([403, 415]).toContain(out.status)
  expect((await browser.send(path)).text).toContain('Logged in as ada')
})

test('a form of one session is none of another', async () => {
  const { id, isWaiting } = await waiting()
  const [mine, other] = [new Browser(broker), new Browser(broker)]
  await mine.open('ada', id)
  const page = await other.open('ada', id)
  expect((await mine.press(page, id, 'approve')).status).toBe(403)
  expect(await isWaiting()).toBe(true)
})

test.each([
  'https://evil.example',
  '//evil.example',
  '../../evil',
  '',
  'appr_1',
  `appr_${'0'.repeat(32)}/..`,
])('a login leads back to no %s', async (approval) => {
  const browser = new Browser(broker)
  const begun = await browser.send(`/console/login?issuer=sandbox&approval=${encodeURIComponent(approval)}`)
  expect(begun.status).toBe(400)
  expect(browser.cookies.size).toBe(0)
})

test('a login begins at an issuer of admins alone', async () => {
  const { id } = await waiting()
  for (const issuer of ['', 'other', 'https://evil.example'])
    expect((await new Browser(broker).send(`/console/login?issuer=${issuer}&approval=${id}`)).status).toBe(
      400,
    )
})

test('the name of a session is never one that the browser had before', async () => {
  const { id, path } = await waiting()
  const browser = new Browser(broker)
  browser.cookies.set(session, 'chosen')
  await browser.open('ada', id)
  const first = browser.cookies.get(session)!
  expect(first).not.toBe('chosen')
  await browser.open('ada', id)
  expect(browser.cookies.get(session)).not.toBe(first)
  for (const before of ['chosen', first]) {
    const other = new Browser(broker)
    other.cookies.set(session, before)
    expect((await other.send(path)).text).not.toContain('Logged in')
  }
})

test('a long token is kept in parts, and one that no browser keeps is refused', async () => {
  const { id, path } = await waiting()
  const { people } = broker.sandbox.issuer.settings.login
  const ada = people.find(({ username }) => username === 'ada')!
  const { claims: before } = ada
  onTestFinished(() => void (ada.claims = before))
  const browser = new Browser(broker)
  ada.claims = { ...before, more: 'x'.repeat(2500) }
  expect((await browser.open('ada', id)).text).toContain('Logged in as ada')
  expect([...browser.cookies.keys()]).toEqual([session, `${session}-1`])
  ada.claims = before
  await browser.open('ada', id)
  expect([...browser.cookies.keys()]).toEqual([session])
  expect((await browser.send(path)).text).toContain('Logged in as ada')
  ada.claims = { ...before, more: 'x'.repeat(6000) }
  expect((await browser.open('ada', id)).status).toBe(400)
})

test('no other sealed cookie is a session', async () => {
  const { id, path } = await waiting()
  const browser = new Browser(broker)
  await browser.send(`/console/login?issuer=sandbox&approval=${id}`)
  browser.cookies.set(session, browser.cookies.get(login)!)
  expect((await browser.send(path)).text).toContain('Log in to see it')
})

test('an answer of the issuer is taken once, and from the browser that has begun', async () => {
  const { id } = await waiting()
  const browser = new Browser(broker)
  const back = await browser.atIssuer('ada', id)
  const stranger = await new Browser(broker).send(back)
  expect([stranger.status, stranger.headers.getSetCookie().join()]).toEqual([
    400,
    expect.not.stringContaining(`${session}=`),
  ])
  const kept = browser.cookies.get(login)!
  const changed = new URL(back)
  changed.searchParams.set('state', 'another')
  expect((await browser.send(changed.href)).status).toBe(400)
  expect(browser.cookies.get(login)).toBe(kept)
  expect((await browser.send(back)).status).toBe(303)
  expect((await browser.send(back)).status).toBe(400)
  browser.cookies.set(login, kept)
  const replayed = await browser.send(back)
  expect(replayed.status).toBe(400)
  expect(replayed.text).toContain('finished before')
})

test('an attacker’s own answer logs nobody in as the attacker', async () => {
  const { id } = await waiting()
  const [attacker, victim] = [new Browser(broker), new Browser(broker)]
  const theirs = await attacker.atIssuer('grace', id)
  await victim.send(`/console/login?issuer=sandbox&approval=${id}`)
  expect((await victim.send(theirs)).status).toBe(400)
  expect(victim.cookies.has(session)).toBe(false)
})

test.each<[string, Record<string, unknown>, number]>([
  ['for the client of assistants', { aud: 'mayfly' }, 401],
  ['for the console and somebody else', { aud: ['mayfly-admin', 'other'], azp: 'mayfly-admin' }, 401],
  ['that is over', { exp: 1 }, 401],
  ['of nobody who is an admin', { groups: ['engineering'] }, 403],
])('a token %s opens no session', async (_what, claims, status) => {
  const { id } = await waiting()
  const { people } = broker.sandbox.issuer.settings.login
  const ada = people.find(({ username }) => username === 'ada')!
  const { claims: before } = ada
  onTestFinished(() => void (ada.claims = before))
  ada.claims = { ...before, ...claims }
  const browser = new Browser(broker)
  const page = await browser.open('ada', id)
  expect(page.status).toBe(status)
  expect(browser.cookies.has(session)).toBe(false)
})

test.each(['nonce', 'code_challenge'])('an answer for another %s opens no session', async (parameter) => {
  const { id } = await waiting()
  const browser = new Browser(broker)
  const begun = await browser.send(`/console/login?issuer=sandbox&approval=${id}`)
  const authorize = new URL(begun.headers.get('Location')!)
  authorize.searchParams.set(parameter, 'a'.repeat(43))
  const page = await browser.send(await answerAtIssuer(authorize.href, 'ada'))
  expect(page.status).toBe(401)
  expect(browser.cookies.has(session)).toBe(false)
})

test('whoever may only look sees it and answers nothing, and it is on record that they tried', async () => {
  const { id, isWaiting } = await waiting()
  const browser = new Browser(broker)
  const page = await browser.open('grace', id)
  expect(page.text).toContain('This needs a member of security')
  expect(page.text).not.toContain('name="answer"')
  expect(page.hidden('csrf')).not.toBe('')
  const [row] = rows(broker, 'approvals', `id = '${id}'`)
  const refused = await browser.press(page, id, 'approve', { digest: String(row!.digest) })
  expect(refused.status).toBe(403)
  expect(await isWaiting()).toBe(true)
  const tried = rows(broker, 'audit_events', `type = 'request.denied' and actor = 'admin:sandbox:grace'`)
  expect(tried).toHaveLength(1)
})

test('no secret is in a page: neither the token of the login nor what stands in words', async () => {
  const { id } = await waiting()
  const browser = new Browser(broker)
  const page = await browser.open('ada', id)
  expect(page.text).not.toMatch(aJwt)
  expect(page.text).not.toMatch(/\bmf[td]_|__Host/)
  expect([...browser.cookies.values()].join()).not.toMatch(aJwt)
  expect(broker.log.join()).not.toMatch(aJwt)
  expect(broker.log.join()).not.toMatch(/[?&]code=/)
})

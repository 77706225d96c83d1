/** Answers that are not those of the login that was begun, or not of its issuer. */
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { type BrokerFacts, rememberBroker } from '../../src/client/login/brokers.ts'
import { NoIdentity } from '../../src/client/no-identity.ts'
import { logIn, type Step, whoIsLoggedIn } from '../../src/client/login/login.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type SandboxIssuer, startIssuer } from '../../src/sandbox/issuer.ts'
import { type Laptop, laptop } from '../support/people.ts'

const url = 'http://127.0.0.1:8420'
let issuer: SandboxIssuer
let mine: Laptop
let facts: BrokerFacts
beforeEach(async () => {
  issuer = await startIssuer(systemClock())
  onTestFinished(() => issuer.close())
  mine = await laptop()
  facts = {
    url,
    ca: null,
    issuers: [
      {
        name: 'sandbox',
        issuer: issuer.url,
        client_id: 'mayfly',
        admin_client_id: 'mayfly-admin',
        scopes: ['openid', 'email', 'offline_access'],
        audiences: ['mayfly'],
        admin_audiences: ['mayfly-admin'],
        ca: null,
      },
    ],
  }
  await rememberBroker(mine.env, facts)
})

/** A browser that does as it is told, and chooses `username` at the issuer. */
async function browse(start: string, username: string, change = (url: URL) => url): Promise<Response> {
  const first = await fetch(start, { redirect: 'manual' })
  const cookie = first.headers.get('set-cookie')!.split(';', 1)[0]!
  const page = await (await fetch(change(new URL(first.headers.get('location')!)))).text()
  const request = /name="request" value="([^"]+)"/.exec(page)![1]!
  const answered = await fetch(`${issuer.url}/authorize`, {
    method: 'POST',
    body: new URLSearchParams({ request, username }),
    redirect: 'manual',
  })
  return await fetch(answered.headers.get('location')!, { headers: { cookie } })
}

const begin = (step: (step: Step) => void, more: object = {}) =>
  logIn({
    facts,
    kind: 'workload',
    device: false,
    env: mine.env,
    signal: AbortSignal.timeout(10_000),
    tell: step,
    ...more,
  })
const login = (change?: (url: URL) => URL) =>
  begin((step) => void (step.do === 'open' && browse(step.url, 'ada', change).catch(() => undefined)))

async function refused(work: Promise<unknown>, why: RegExp) {
  const error = await work.then(
    () => new Error('it was believed'),
    (thrown: unknown) => thrown as Error,
  )
  expect(error).toBeInstanceOf(NoIdentity)
  expect(error.message).toMatch(why)
  expect(await whoIsLoggedIn(url, 'workload', mine.env)).toBeUndefined()
}

test('the answer of the issuer to what it was asked is believed', async () => {
  expect(await login()).toMatchObject({ subject: 'ada', email: 'ada@acme.dev', renewed: true })
})

test('an answer that says it is another issuer’s is not (RFC 9207)', async () => {
  issuer.settings.login.answersAs = 'https://other.test'
  await refused(login(), /did not log you in/)
})

test('a token with another nonce is another login’s', async () => {
  const change = (to: URL) => {
    to.searchParams.set('nonce', 'stolen')
    return to
  }
  await refused(login(change), /did not log you in/)
})

test('a code that was given for another challenge is good for nothing', async () => {
  const change = (to: URL) => {
    to.searchParams.set('code_challenge', 'x'.repeat(43))
    return to
  }
  await refused(login(change), /no longer knows/)
})

test('a token for another client than the broker takes tokens of is not kept', async () => {
  facts = { ...facts, issuers: [{ ...facts.issuers[0]!, audiences: ['something-else'] }] }
  await refused(login(), /which the broker does not take/)
})

test.each([
  ['calls itself another issuer', { issuer: 'https://evil.test' }],
  ['has its token endpoint elsewhere over http', { token_endpoint: 'http://evil.test/token' }],
  ['sends people to a page over http', { authorization_endpoint: 'http://evil.test/authorize' }],
  ['has devices ask over http', { device_authorization_endpoint: 'http://evil.test/device' }],
])('an issuer whose discovery %s is not asked', async (_what, discovery) => {
  issuer.settings.discovery = discovery
  const told: Step[] = []
  await refused(
    begin((step) => told.push(step)),
    /issuer/,
  )
  expect(told).toEqual([])
})

test('nothing that lets another answer is in what is printed, or given to a browser', async () => {
  const told: Step[] = []
  await begin((step) => {
    told.push(step)
    if (step.do === 'open') void browse(step.url, 'ada')
  })
  expect(JSON.stringify(told)).not.toMatch(/state|nonce|challenge|code/)
})

test('a second login replaces the first, also of somebody else', async () => {
  await login()
  await begin((step) => void (step.do === 'open' && browse(step.url, 'grace')))
  expect(await whoIsLoggedIn(url, 'workload', mine.env)).toMatchObject({ subject: 'grace' })
})

test('of several issuers one has to be named', async () => {
  facts = {
    ...facts,
    issuers: [...facts.issuers, { ...facts.issuers[0]!, name: 'other', issuer: 'https://other.test' }],
  }
  await refused(
    begin(() => undefined),
    /several issuers/,
  )
  await refused(
    begin(() => undefined, { issuer: 'third' }),
    /names no issuer third/,
  )
})

/** A session of the console is short, and no longer than the token that it stands for. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { readFile } from 'node:fs/promises'
import { ask } from '../support/approvals.ts'
import { manualClock } from '../support/clock.ts'
import { Browser } from '../support/console.ts'
import { consoleBroker } from '../support/people.ts'
import { sharedBroker } from '../support/shared-broker.ts'

// The library of the login goes by the machine's own clock.
const clock = manualClock(Date.now())
const broker = await sharedBroker({ ...consoleBroker, clock })
const { settings } = broker.sandbox.issuer
const ada = settings.login.people.find(({ username }) => username === 'ada')!
const [{ id }] = (await ask(broker, { ttl: 3600 })).approvals
const path = `/console/approvals/${id}`
const isIn = async (browser: Browser) => (await browser.send(path)).text.includes('Logged in as ada')

test('an issuer that would take a login over an open connection is not gone to', async () => {
  settings.discovery = { token_endpoint: 'http://issuer.example/token' }
  const begun = await new Browser(broker).send(`/console/login?issuer=sandbox&approval=${id}`)
  expect([begun.status, begun.text]).toEqual([503, expect.stringContaining('open connection')])
  settings.discovery = undefined
})

test('it ends after a quarter of an hour, and with the token if that is sooner', async () => {
  const [short, long] = [new Browser(broker), new Browser(broker)]
  await short.open('ada', id)
  const { claims } = ada
  ada.claims = { ...claims, exp: Math.floor(clock.now() / 1000) + 3000 }
  await long.open('ada', id)
  ada.claims = claims
  expect([await isIn(short), await isIn(long)]).toEqual([true, true])
  await clock.advance(400_000)
  expect([await isIn(short), await isIn(long)]).toEqual([false, true])
  const page = await long.send(path)
  await clock.advance(600_000)
  const late = await long.press(page, id, 'approve')
  expect([late.status, late.text]).toEqual([403, expect.stringContaining('nothing was answered')])
})

test('whoever is no admin any more sees nothing more', async () => {
  const browser = new Browser(broker)
  ada.claims = {
    ...ada.claims,
    iat: Math.floor(clock.now() / 1000),
    exp: Math.floor(clock.now() / 1000) + 600,
  }
  await browser.open('ada', id)
  expect(await isIn(browser)).toBe(true)
  const file = join(broker.directory, 'mayfly.yaml')
  const written = parse(await readFile(file, 'utf8'))
  const admins = written.admins.filter(({ name }: { name: string }) => name !== 'security')
  const reload = await broker.admin()
  await writeFile(file, stringify({ ...written, admins }))
  expect((await broker.call('POST', '/v1/admin/reload', { token: reload })).status).toBe(409)
  const held = [...admins, { ...written.admins[0], claims: { groups: 'others' } }]
  await writeFile(file, stringify({ ...written, admins: held }, { aliasDuplicateObjects: false }))
  expect((await broker.call('POST', '/v1/admin/reload', { token: reload })).status).toBe(200)
  expect((await browser.send(path)).status).toBe(403)
})

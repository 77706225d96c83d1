/** An approver follows the link of a notification in a real browser, logs in, looks, and answers. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { hasChromium, openPage } from '../support/chromium.ts'
import { ask } from '../support/approvals.ts'
import { consoleBroker } from '../support/people.ts'
import { startReceiver } from '../support/receiver.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const receiver = await startReceiver()
const settings = consoleBroker.settings as (sandbox: Sandbox, port: number) => Record<string, unknown>
const broker = await sharedBroker({
  ...consoleBroker,
  settings: (sandbox, port) => ({
    ...settings(sandbox, port),
    notify: [{ name: 'pager', kind: 'generic', url: receiver.url, secret: { file: './hook.key' } }],
  }),
  files: { ...consoleBroker.files, 'hook.key': randomBytes(32).toString('base64') },
})

/** A page of somebody else's site. */
async function elsewhere(body: string): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end(`<!doctype html><body>${body}</body>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://localhost:${(server.address() as AddressInfo).port}/`
}

test.runIf(hasChromium)('from the link to the yes, and nobody else’s page gets in between', async () => {
  const task = await ask(broker, { purpose: '<img src=x onerror="document.title=1"><h1>Approve me</h1>' })
  const [{ id }] = task.approvals
  await until(async () => receiver.taken.some(({ body }) => body.data.approval === id))
  const { link } = receiver.taken.find(({ body }) => body.data.approval === id)!.body.data
  const page = await openPage()
  page.context().setDefaultTimeout(5000)
  await page.goto(link)
  await page.getByRole('link', { name: 'Log in with sandbox' }).click()
  await page.getByRole('button', { name: 'Log in as ada' }).click()
  await page.waitForURL(link)
  expect(await page.getByRole('heading').allTextContents()).toEqual([
    'refactor-bot waits for the yes of security',
  ])
  expect(await page.locator('img, script').count()).toBe(0)
  expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).toBe('736px')

  const digest = await page.locator('input[name=digest]').inputValue()
  const other = await page.context().newPage()
  await other.goto(await elsewhere(`<iframe src="${link}"></iframe>`))
  expect(await other.frames()[1]?.locator('button').count()).toBe(0)
  const form = `<form method="post" action="${link}"><input name="digest" value="${digest}"><input name="csrf" value="">
    <button name="answer" value="approve">See kittens</button></form>`
  await other.goto(await elsewhere(form))
  await other.getByRole('button').click()
  await other.waitForURL(link)
  expect(await other.textContent('body')).not.toContain('granted')
  expect((await broker.read(task)).body.status).toBe('pending_approval')

  await page.getByLabel('Reason, for the record').fill('looked at it')
  await page.getByRole('button', { name: 'Approve' }).click()
  await page.getByText('It waits for nobody any more.').waitFor()
  expect(await page.textContent('body')).toContain('granted by sandbox:ada')
  expect((await broker.read(task)).body.status).toBe('active')

  await page.getByRole('button', { name: 'Log out' }).click()
  await page.goto(link)
  expect(await page.textContent('body')).toContain('Log in to see it')
})

/** A request for approval is answered on the page that its link leads to, as it would be by the API. */
import { expect, test } from 'vitest'
import { connectTo, sessionAt } from '../mcp/in-process.ts'
import { answer, ask } from '../support/approvals.ts'
import { Browser } from '../support/console.ts'
import { rows } from '../support/database.ts'
import { mayfly } from '../support/mayfly.ts'
import { consoleBroker } from '../support/people.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(consoleBroker)

test('whoever is not logged in learns nothing, not even whether there is such a request', async () => {
  const task = await ask(broker)
  const [{ id }] = task.approvals
  const unknown = `appr_${'0'.repeat(32)}`
  const browser = new Browser(broker)
  const pages = await Promise.all([id, unknown].map((each) => browser.send(`/console/approvals/${each}`)))
  expect(pages.map(({ status }) => status)).toEqual([200, 200])
  expect(pages[1]!.text.replaceAll(unknown, id)).toBe(pages[0]!.text)
  expect(pages[0]!.text).not.toContain(task.purpose)
})

test('an approver sees all of it, says yes with a reason, and the task goes on', async () => {
  const task = await ask(broker, {
    purpose: `rotate <b>nodes</b> with ghs_${'a'.repeat(36)}`,
    context: { ticket: '7' },
  })
  const [{ id, digest, link }] = task.approvals
  expect(link).toBe(`${broker.url}/console/approvals/${id}`)
  const browser = new Browser(broker)
  const page = await browser.open('ada', id)
  expect(page.status).toBe(200)
  for (const shown of [
    'refactor-bot, owned by linus@acme.dev',
    'repo:acme/web:ref:refs/heads/main',
    'rotate &lt;b&gt;nodes&lt;/b&gt; with [redacted]',
    '&quot;acme/infra&quot;',
    '600 seconds',
    '&quot;ticket&quot;: &quot;7&quot;',
    'infra-needs-security: Security looks at every change of the infrastructure first',
    task.expires_at,
    digest,
    'Logged in as ada@acme.dev',
  ])
    expect(page.text).toContain(shown)
  const pressed = await browser.press(page, id, 'approve', { reason: 'looked at it' })
  expect([pressed.status, pressed.headers.get('Location')]).toEqual([303, `/console/approvals/${id}`])
  const after = await browser.send(`/console/approvals/${id}`)
  expect(after.text).toContain('granted by sandbox:ada')
  expect(after.text).toContain('looked at it')
  expect(after.text).not.toContain('name="answer"')
  expect((await broker.read(task)).body.status).toBe('active')
  const [event] = rows(broker, 'audit_events', `task = '${task.id}' and type = 'approval.granted'`)
  expect(event).toMatchObject({ actor: 'admin:sandbox:ada' })
  expect(JSON.parse(event!.data!)).toMatchObject({ approval: id, digest, reason: 'looked at it' })
})

test('a no ends it, and what was answered cannot be answered again', async () => {
  const task = await ask(broker)
  const [{ id }] = task.approvals
  const browser = new Browser(broker)
  const page = await browser.open('ada', id)
  expect((await browser.press(page, id, 'deny', { reason: 'not today' })).status).toBe(303)
  expect((await broker.read(task)).body).toMatchObject({ status: 'denied', end_reason: 'denied' })
  const again = await browser.press(page, id, 'approve')
  expect(again.status).toBe(409)
  expect(again.text).toContain('this request is no longer waiting')
})

test('the yes is to what was seen: another digest is refused, and so is what is no answer', async () => {
  const task = await ask(broker)
  const [approval] = task.approvals
  const browser = new Browser(broker)
  const page = await browser.open('ada', approval.id)
  expect((await browser.press(page, approval.id, 'approve', { digest: 'f'.repeat(64) })).status).toBe(409)
  expect((await browser.press(page, approval.id, 'perhaps')).status).toBe(400)
  expect((await browser.press(page, approval.id, 'approve', { reason: 'a\u202eb' })).status).toBe(400)
  expect((await broker.read(task)).body.status).toBe('pending_approval')
  await answer(broker, 'deny', approval)
})

test('who waits is told where it is answered, by mayfly task wait and the MCP server', async () => {
  const task = await ask(broker)
  const [approval] = task.approvals
  const held = { MAYFLY_URL: broker.url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.task_token }
  const waited = await mayfly(['task', 'wait', '--timeout', '1'], held)
  expect(waited.stderr).toContain(`the approval of security (${approval.id})\n  at       ${approval.link}\n`)
  const { call } = await connectTo(sessionAt(broker), '2025-11-25')
  const asked = { authorization_details: ['github:acme/infra:contents=write'], purpose: 'a change', wait: 0 }
  const { text, value } = await call('request_access', asked)
  const [{ id, link }] = value.task.approvals
  expect(link).toBe(`${broker.url}/console/approvals/${id}`)
  expect(text).toContain(`security decides on ${id} at ${link} until`)
})

test('nobody approves for an agent they own, and it is on record that they tried', async () => {
  const { body: task } = await broker.open(
    { authorization_details: [infraOf('acme/infra')], purpose: 'for myself' },
    { sub: 'ada', email: 'ada@acme.dev', email_verified: true, groups: ['engineering'], aud: 'mayfly' },
  )
  expect(task).toMatchObject({ agent: 'claude-code', owner: 'ada@acme.dev', status: 'pending_approval' })
  const [{ id }] = task.approvals
  const browser = new Browser(broker)
  const refused = await browser.press(await browser.open('ada', id), id, 'approve')
  expect(refused.status).toBe(403)
  expect(refused.text).toContain('nobody approves for an agent they own')
  const [event] = rows(broker, 'audit_events', `task = '${task.id}' and type = 'request.denied'`)
  expect(event).toMatchObject({ actor: 'admin:sandbox:ada' })
})

const infraOf = (repository: string) => ({
  type: 'github',
  repositories: [repository],
  permissions: { contents: 'write' },
})

/** What people have to approve: the call waits, and the person at the client is told who decides. */
import { describe, expect, it } from 'vitest'
import type { ClientOptions } from '@modelcontextprotocol/client'
import { randomUUID } from 'node:crypto'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'
import { versions } from './client.ts'
import { connectTo, sessionAt } from './in-process.ts'

const broker = await sharedBroker()
const infra = ['github:acme/infra:contents=write']
const asking = (more: object = {}) => ({
  authorization_details: infra,
  purpose: `a test of ${randomUUID()}`,
  ...more,
})

/** Whatever waits for the purpose is approved. */
async function approve(purpose: string) {
  const token = await broker.admin()
  const waiting = async () => {
    const { body } = await broker.call('GET', '/v1/admin/approvals?status=pending', {
      token: await broker.admin(),
    })
    return body.items.find(({ task }: { task: { purpose: string } }) => task.purpose === purpose)
  }
  await until(async () => (await waiting()) !== undefined)
  const { id, digest } = await waiting()
  const yes = await broker.call('POST', `/v1/admin/approvals/${id}/approve`, { token, body: { digest } })
  expect(yes.status).toBe(200)
}

const asksPeople: ClientOptions = { capabilities: { elicitation: { form: {} } } }

describe.each(versions)('at %s', (version) => {
  it('the call waits until somebody has said yes', async () => {
    const { call } = await connectTo(sessionAt(broker), version)
    const asked = asking()
    const [got] = await Promise.all([call('request_access', asked), approve(asked.purpose)])
    expect(got).toMatchObject({ refused: false, value: { task: { status: 'active' } } })
  })

  it('a client that cannot ask anybody is told who decides, and how to go on waiting', async () => {
    const { call } = await connectTo(sessionAt(broker), version)
    const asked = asking({ wait: 0 })
    const { text, value } = await call('request_access', asked)
    expect(value.task).toMatchObject({ status: 'pending_approval' })
    const [approval] = value.task.approvals
    expect(text).toContain(`security decides on ${approval.id} until ${value.task.expires_at}`)
    expect(text).toContain('Security looks at every change of the infrastructure first')
    expect(text).toContain(`Wait for it with status, access ${value.task.id}.`)
    const again = await call('request_access', asked)
    expect(again.value.task.id).toBe(value.task.id)
    const [status] = await Promise.all([
      call('status', { access: value.task.id, wait: 50 }),
      approve(asked.purpose),
    ])
    expect(status.value.task).toMatchObject({ status: 'active' })
  })

  it('the person at the client is asked whether to go on waiting', async () => {
    const { client, call } = await connectTo(sessionAt(broker), version, asksPeople)
    const asked = asking({ wait: 0 })
    const messages: string[] = []
    client.setRequestHandler('elicitation/create', async (request) => {
      messages.push(request.params.message)
      if (messages.length === 2) await approve(asked.purpose)
      return { action: 'accept', content: { wait: true } }
    })
    const { value } = await call('request_access', asked)
    expect(messages).toHaveLength(2)
    expect(messages[0]).toMatch(/^task_\w+ waits for approval: .*\nsecurity decides on appr_\w+ until /)
    expect(value.task).toMatchObject({ status: 'active' })
  })

  it('and may give up, which ends the request', async () => {
    const { client, call } = await connectTo(sessionAt(broker), version, asksPeople)
    client.setRequestHandler('elicitation/create', async () => ({ action: 'decline' }))
    const { value } = await call('request_access', asking({ wait: 0 }))
    expect(value.task).toMatchObject({ status: 'completed' })
  })

  it('a denial names the policies in their words, and the way to find out more', async () => {
    const { call } = await connectTo(sessionAt(broker), version)
    const docs = ['github:acme/docs:contents=write']
    const denied = await call('request_access', { authorization_details: docs, purpose: 'a test' })
    expect(denied).toMatchObject({
      refused: true,
      value: {
        code: 'policy_denied',
        denials: [{ action: 'github.contents.write', policies: ['docs-are-read-only'] }],
      },
    })
    expect(denied.text).toContain('what_may_i_do')
  })
})

it('input_required is answered as it stands on the wire', async () => {
  const { client } = await connectTo(sessionAt(broker), '2026-07-28', {
    ...asksPeople,
    inputRequired: { autoFulfill: false },
  })
  const raw = (await client.callTool(
    { name: 'request_access', arguments: asking({ wait: 0 }) },
    { allowInputRequired: true },
  )) as Record<string, unknown>
  expect(raw).toMatchObject({
    inputRequests: { wait: { method: 'elicitation/create' } },
    requestState: expect.stringMatching(/./),
  })
})

/** People are told of what waits for them, by a real broker and to a real receiver. */
import { afterAll, beforeEach, expect, test } from 'vitest'
import { answer, ask, infra } from '../support/approvals.ts'
import { filesOf } from '../support/broker-files.ts'
import { writeWeb } from '../support/broker.ts'
import { revokes } from '../support/github.ts'
import { mayfly } from '../support/mayfly.ts'
import { isSigned, startReceiver } from '../support/receiver.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const secret = Buffer.alloc(32, 9).toString('base64')
const receiver = await startReceiver()
const slack = await startReceiver()
const teams = await startReceiver()
afterAll(() => Promise.all([receiver.close(), slack.close(), teams.close()]))
const link = 'https://answers.acme.dev/{approval}?from=chat'
const chat = { name: 'chat', kind: 'slack', url: { file: './slack.url' }, link }
const broker = await sharedBroker({
  settings: {
    notify: [
      { name: 'pager', kind: 'generic', url: receiver.url, secret: { file: './hook.key' } },
      chat,
      { name: 'teams', kind: 'teams', url: `${teams.url}?sig=abc&sv=1.0`, link },
    ],
  },
  files: { 'hook.key': `whsec_${secret}\n`, 'slack.url': `${slack.url}/canary-of-the-url\n` },
})
const files = await filesOf(broker, 'slack.url')

const receivers = [receiver, slack, teams]
/** Ends what the test before left, and waits until everybody was told of all. */
beforeEach(async () => {
  await broker.revoke({ all: true })
  for (const each of receivers) each.taken.length = 0
  for (const verb of ['suspend', 'resume'])
    await asAdmin(`/v1/admin/agents/refactor-bot/${verb}`, { reason: 'between tests' })
  await until(() => receivers.every(({ taken }) => /no longer suspended/.test(taken.at(-1)?.text ?? '')))
  for (const { taken, deliveries } of receivers) taken.length = deliveries.length = 0
})
const told = async (count: number) => {
  await until(() => receiver.taken.length >= count)
  return receiver.taken.map(({ body }) => body)
}
const asAdmin = async (path: string, body: object) =>
  broker.call('POST', path, { token: await broker.admin(), body })

test('an approval that is asked for: who, what, why, until when, and how to answer', async () => {
  const { id, expires_at, approvals } = await ask(broker, { purpose: 'move the database', ttl: 300 })
  const [body] = await told(1)
  const approval = approvals[0].id
  expect(body).toMatchObject({
    type: 'approval.requested',
    timestamp: expect.stringMatching(/Z$/),
    data: {
      broker: broker.url,
      agent: 'refactor-bot',
      owner: 'linus@acme.dev',
      issuer: broker.sandbox.issuer.url,
      subject: 'repo:acme/web:ref:refs/heads/main',
      task: id,
      approval,
      group: 'security',
      status: 'pending',
      digest: approvals[0].digest,
      purpose: 'move the database',
      authorization_details: [infra],
      ttl: 300,
      expires_at,
      policies: [
        {
          id: 'infra-needs-security',
          description: 'Security looks at every change of the infrastructure first',
        },
      ],
      command: `mayfly admin approve ${approval} --url ${broker.url}`,
      approve_url: `${broker.url}/v1/admin/approvals/${approval}/approve`,
    },
  })
  const { headers } = receiver.taken[0]!
  expect(headers['content-type']).toBe('application/json')
  expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60)
  expect(isSigned(receiver.taken[0]!, secret)).toBe(true)
})

test('what it was told of can be answered at once, and the answer is told', async () => {
  await ask(broker)
  await ask(broker)
  const [first, second] = await told(2)
  for (const [{ data }, verb] of [
    [first, 'approve'],
    [second, 'deny'],
  ])
    await answer(
      broker,
      verb,
      { id: data.approval, digest: data.digest },
      { reason: 'as agreed', claims: { aud: `${broker.url}/admin` } },
    )
  const [, , granted, denied] = await told(4)
  expect(granted).toMatchObject({
    type: 'approval.granted',
    data: {
      approval: first.data.approval,
      task: first.data.task,
      by: expect.stringMatching(/ada$/),
      reason: 'as agreed',
    },
  })
  expect(denied).toMatchObject({ type: 'approval.denied', data: { approval: second.data.approval } })
})

test('a request that nobody answered is told of when it is over, one that was never asked is not', async () => {
  const waiting = await ask(broker)
  await broker.complete(waiting)
  const { body: plain } = await broker.open({ authorization_details: [writeWeb] })
  await broker.complete(plain)
  const last = await ask(broker)
  const bodies = await told(3)
  expect(bodies.map(({ type, data }) => [type, data.task])).toEqual([
    ['approval.requested', waiting.id],
    ['approval.expired', waiting.id],
    ['approval.requested', last.id],
  ])
  expect(bodies[1].data).toMatchObject({ groups: ['security'], end_reason: 'completed' })
})

test('a lease that cannot be revoked', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const refused = broker.sandbox.github.faults.add({ kind: 'status', status: 403, on: revokes })
  await broker.complete(task)
  const [body] = await told(1)
  refused.clear()
  expect(body).toMatchObject({
    type: 'lease.irrevocable',
    data: {
      agent: 'refactor-bot',
      lease: minted.lease.id,
      provider: 'github',
      connection: 'acme',
      fingerprint: minted.lease.fingerprint,
      reason: expect.stringContaining('403'),
    },
  })
  expect(receiver.taken[0]!.text).not.toContain(minted.credential.token)
})

test('suspensions and fences, and their end, each once', async () => {
  await asAdmin('/v1/admin/agents/refactor-bot/suspend', { reason: 'odd behaviour' })
  await asAdmin('/v1/admin/agents/refactor-bot/resume', { reason: 'it was a test' })
  const { body } = await asAdmin('/v1/admin/fences', {
    selector: { owner: 'linus@acme.dev' },
    reason: 'a leak',
  })
  await broker.call('DELETE', `/v1/admin/fences/${body.id}`, { token: await broker.admin() })
  const bodies = await told(4)
  expect(bodies.map(({ type }) => type)).toEqual([
    'agent.suspended',
    'agent.resumed',
    'fence.raised',
    'fence.lifted',
  ])
  expect(bodies[0].data).toMatchObject({ agent: 'refactor-bot', reason: 'odd behaviour' })
  expect(bodies[2].data).toMatchObject({ fence: body.id, selector: { owner: 'linus@acme.dev' } })
})

test('Slack gets blocks, in which what an agent wrote is plain text', async () => {
  const purpose = '<!channel> <https://evil.example|approve here> & more'
  const { approvals } = await ask(broker, { purpose })
  await until(() => slack.taken.length === 1)
  const { body, headers, path } = slack.taken[0]!
  expect(path).toBe('/hook/canary-of-the-url')
  expect(headers['webhook-signature']).toBeUndefined()
  expect(body.text).toBe('refactor-bot waits for the yes of security')
  const [header, facts, command, actions] = body.blocks
  expect(header).toEqual({ type: 'header', text: { type: 'plain_text', text: body.text, emoji: false } })
  const why = facts.fields.find(({ text }: { text: string }) => text.startsWith('Why\n'))
  expect(why).toEqual({
    type: 'plain_text',
    text: `Why\n${JSON.stringify(purpose)}, in its own words`,
    emoji: false,
  })
  expect(command.text.text).toContain(`mayfly admin approve ${approvals[0].id}`)
  expect(actions.elements[0]).toMatchObject({
    type: 'button',
    url: `https://answers.acme.dev/${approvals[0].id}?from=chat`,
  })
  expect(JSON.stringify(body)).not.toContain('mrkdwn')
})

test('Teams gets an Adaptive Card, in which what an agent wrote is no Markdown', async () => {
  const { approvals } = await ask(broker, { purpose: '[approve here](https://evil.example)' })
  await until(() => teams.taken.length === 1)
  const { body, path } = teams.taken[0]!
  expect(path).toBe('/hook?sig=abc&sv=1.0')
  const [{ contentType, content }] = body.attachments
  expect({ type: body.type, contentType, card: content.type }).toEqual({
    type: 'message',
    contentType: 'application/vnd.microsoft.card.adaptive',
    card: 'AdaptiveCard',
  })
  expect(new Set(content.body.map(({ type }: { type: string }) => type))).toEqual(new Set(['RichTextBlock']))
  expect(JSON.stringify(content.body)).toContain('[approve here](https://evil.example)')
  expect(content.actions).toEqual([
    expect.objectContaining({
      type: 'Action.OpenUrl',
      url: `https://answers.acme.dev/${approvals[0].id}?from=chat`,
    }),
  ])
})

test('nothing that looks like a secret is sent, nor is a URL in the log', async () => {
  const token = `ghp_${'a1B2'.repeat(9)}`
  await ask(broker, { purpose: `use ${token}`, context: { note: token } })
  await until(() => receivers.every(({ taken }) => taken.length === 1))
  slack.answer = (response) => void response.writeHead(500).end(token)
  await ask(broker)
  await until(() => slack.deliveries.length >= 2)
  slack.answer = (response) => void response.writeHead(204).end()
  await until(() => slack.taken.length === 2)
  const sent = receivers.flatMap(({ taken }) => taken.map(({ text }) => text))
  for (const text of [...sent, ...broker.log]) {
    expect(text).not.toContain(token)
    expect(text).not.toContain('canary-of-the-url')
  }
  expect(broker.log.join('')).toContain('it answered 500')
})

test('a redirect is not followed: whoever answers there does not choose where it goes', async () => {
  await using elsewhere = await startReceiver()
  receiver.answer = (response) => void response.writeHead(307, { Location: elsewhere.url }).end()
  await ask(broker)
  await until(() => receiver.deliveries.length > 0)
  receiver.answer = (response) => void response.writeHead(204).end()
  await told(1)
  expect(elsewhere.deliveries).toEqual([])
  expect(broker.log.join('')).toContain('it answered 307')
})

test('one that is down keeps no other waiting, gets all in order, and is seen in the metrics', async () => {
  slack.answer = (response) => void response.writeHead(503, { 'Retry-After': '1' }).end()
  const asked = [await ask(broker), await ask(broker), await ask(broker)]
  await told(3)
  const ids = receiver.taken.map(({ headers }) => headers['webhook-id'])
  expect(slack.taken).toEqual([])
  const metrics = async () => (await broker.call('GET', '/metrics')).body as string
  await until(async () => /mayfly_notice_age_seconds\{target="chat"\} (?!0\n)/.test(await metrics()))
  expect(await metrics()).toMatch(/mayfly_notice_age_seconds\{target="pager"\} 0\n/)
  expect(await metrics()).toMatch(/mayfly_notices_total\{target="chat",outcome="failed"\} [1-9]/)
  slack.answer = (response) => void response.writeHead(200).end('ok')
  await until(() => slack.taken.length === 3)
  const commands = slack.taken.map(({ body }) => body.blocks[2].text.text)
  for (const [at, { approvals }] of asked.entries()) expect(commands[at]).toContain(approvals[0].id)
  expect(new Set(ids).size).toBe(3)
  await until(async () => /mayfly_notice_age_seconds\{target="chat"\} 0\n/.test(await metrics()))
})

test('a reload brings and takes away receivers; one that moves goes on where it was', async () => {
  const another = await startReceiver()
  await files.configure((settings) => {
    settings['notify'] = [
      settings['notify'][0],
      { name: 'chat', kind: 'slack', url: another.url },
      { name: 'new', kind: 'teams', url: another.url },
    ]
  })
  slack.answer = (response) => void response.writeHead(500).end()
  const before = await ask(broker)
  await until(() => slack.deliveries.length > 0)
  expect((await files.reload()).status).toBe(200)
  const after = await ask(broker)
  await until(() => another.taken.length === 3)
  const texts = another.taken.filter(({ body }) => 'blocks' in body).map(({ text }) => text)
  expect(texts[0]).toContain(before.approvals[0].id)
  expect(texts[1]).toContain(after.approvals[0].id)
  await told(2)
  expect(teams.taken.map(({ text }) => text).join('')).not.toContain(after.approvals[0].id)
  slack.answer = (response) => void response.writeHead(204).end()
  await files.restore()
  expect((await files.reload()).status).toBe(200)
  await another.close()
})

test('doctor says whether each can be reached, and sends none of them anything', async () => {
  const look = async () => {
    const { stdout } = await mayfly(['doctor', '-c', broker.file, '--json'])
    const { checks } = JSON.parse(stdout) as { checks: { check: string; status: string; message: string }[] }
    return checks
      .filter(({ check }) => check.startsWith('notify '))
      .map(({ check, status }) => [check, status])
  }
  receiver.answer = (response) => void response.writeHead(405).end()
  expect(await look()).toEqual([
    ['notify pager', 'ok'],
    ['notify chat', 'ok'],
    ['notify teams', 'ok'],
  ])
  receiver.answer = (response) => void response.writeHead(204).end()
  expect(slack.deliveries.map(({ method, text }) => [method, text])).toEqual([['HEAD', '']])
  await files.write('slack.url', 'http://127.0.0.1:1/gone')
  expect(await look()).toContainEqual(['notify chat', 'fault'])
  await files.restore()
})

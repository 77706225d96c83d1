/** Two brokers on one database that are asked for the same end at once: the one ends it, and the other says so too. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Answer, readWeb } from '../support/broker.ts'
import { type Brokers, type RunningInstance, startBrokers } from '../support/brokers.ts'
import { revokes } from '../support/github.ts'
import { grantType, jwtType } from '../support/oauth-form.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
let brokers: Brokers
let one: RunningInstance
let other: RunningInstance
beforeAll(async () => {
  server = await embeddedServer()
  brokers = await startBrokers({ count: 2, store: await server.database() })
  ;[one, other] = brokers.instances as [RunningInstance, RunningInstance]
  await until(async () => (await one.call('GET', '/readyz')).body.brokers === 2)
}, serverTakesMs)
afterEach(() => brokers.sandbox.github.faults.clear())
afterAll(async () => {
  await brokers?.[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
}, serverTakesMs)

interface Given {
  task: { id: string; task_token: string }
  lease: string
  secret: string
}

const alive = (secrets: readonly string[]) =>
  brokers.sandbox.ledger.alive().filter(({ secret }) => secrets.includes(secret))

async function open(): Promise<Given['task']> {
  const body = { purpose: 'a test', authorization_details: [readWeb], ttl: 600 }
  return (await one.call('POST', '/v1/tasks', { token: await brokers.workload(), body })).body
}

/** A credential that the first broker minted, in a task of its own. */
async function given(): Promise<Given> {
  const task = await open()
  const { body } = await mint(one, task)
  return { task, lease: body.lease.id, secret: body.credential.token }
}

function mint(at: RunningInstance, task: Given['task'], key?: string): Promise<Answer> {
  return at.call('POST', `/v1/tasks/${task.id}/credentials`, {
    token: task.task_token,
    body: { authorization_detail: readWeb },
    ...(key !== undefined && { headers: { 'Idempotency-Key': key } }),
  })
}

const complete = (at: RunningInstance, { task }: Given) =>
  at.call('POST', `/v1/tasks/${task.id}/complete`, { token: task.task_token })

function post(at: RunningInstance, path: string, form: Record<string, string>, key?: string) {
  return at.call('POST', path, {
    body: new URLSearchParams(form).toString(),
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      ...(key !== undefined && { 'Idempotency-Key': key }),
    },
  })
}

/** How often upstream is told to end something while `work` goes on, each time in so long that others come meanwhile. */
async function ends(work: () => Promise<void>): Promise<number> {
  const told = brokers.sandbox.github.faults.add({ kind: 'slow', ms: 300, on: revokes })
  await work()
  return told.hits
}

/** What is neither given nor refused because another of the same key makes headway. */
function unexpected(answers: readonly Answer[], given: number): unknown[] {
  return answers
    .filter(({ status, body }) => status !== given && body.code !== 'conflict')
    .map(({ body }) => body)
}

it('a task completed at both: upstream is told once, and both say that the credential is dead', async () => {
  const held = await given()
  const times = await ends(async () => {
    const answers = await Promise.all([one, other].map((at) => complete(at, held)))
    for (const { body } of answers)
      expect(body).toMatchObject({ status: 'completed', leases: [{ status: 'revoked' }] })
  })
  expect(times).toBe(1)
  expect(alive([held.secret])).toEqual([])
})

it('a credential given back at one and revoked at the other: upstream is told once', async () => {
  const { task, lease, secret } = await given()
  const times = await ends(async () => {
    const back = `/v1/tasks/${task.id}/leases/${lease}/revoke`
    const answers = await Promise.all([
      one.call('POST', back, { token: task.task_token }),
      post(other, '/oauth/revoke', { token: secret }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(alive([secret])).toEqual([])
  })
  expect(times).toBe(1)
})

it('one that hangs is not waited for: the other ends the credential for whoever asks it', async () => {
  const held = await given()
  const hanging = brokers.sandbox.github.faults.add({ kind: 'hang', on: revokes, times: 1 })
  const left = complete(one, held)
  await until(() => hanging.hits === 1)
  const { body } = await complete(other, held)
  expect(body).toMatchObject({ status: 'completed', leases: [{ status: 'revoked' }] })
  expect(alive([held.secret])).toEqual([])
  await left
}, 30_000)

it.each([1, 2, 3, 4, 5])(
  'one request sent four times at once to both: one can use what it got (%i)',
  async (n) => {
    const form = {
      grant_type: grantType,
      subject_token: await brokers.workload(),
      subject_token_type: jwtType,
      authorization_details: JSON.stringify([readWeb]),
    }
    const answers = await Promise.all(
      [one, other, one, other].map((at) => post(at, '/oauth/token', form, `exchange-${n}`)),
    )
    expect(unexpected(answers, 200)).toEqual([])
    // One that was answered before the last of them came has nothing any more, as if it had come alone.
    const given = answers.filter(({ status }) => status === 200).map(({ body }) => body)
    const [living, ...more] = alive(given.map(({ access_token }) => access_token))
    expect(more).toEqual([])
    const { task, task_token } = given.find(({ access_token }) => access_token === living?.secret)
    expect((await other.call('GET', `/v1/tasks/${task.id}`, { token: task_token })).status).toBe(200)
  },
)

it('a credential asked for again four times at once at both: nobody is told to come again', async () => {
  const task = await open()
  const first = await mint(one, task, 'again')
  const answers = await Promise.all([one, other, one, other].map((at) => mint(at, task, 'again')))
  expect(unexpected(answers, 201)).toEqual([])
  const secrets = [first, ...answers].flatMap(({ body }) => body.credential?.token ?? [])
  const [living, ...more] = alive(secrets)
  expect(more).toEqual([])
  expect(living).toBeDefined()
  expect(living!.secret).not.toBe(first.body.credential.token)
})

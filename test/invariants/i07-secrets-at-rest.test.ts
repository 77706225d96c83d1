/** I7 Secrets at rest are sealed, erased when their lease ends, and nowhere else: no log, error or audit event has them. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Answer, readWeb, writeWeb } from '../support/broker.ts'
import { refuseWrites, rows } from '../support/database.ts'
import { mints, probes, revokes } from '../support/github.ts'
import { databaseFiles, found } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker({ settings: { limits: { live_leases: { task: 3, agent: 500 } } } })
const { github, ledger } = broker.sandbox

const marker = 'a purpose to be found again'
/** Every token that anybody has shown the broker, or that it has given out. */
const shown = new Set<string>()
const refusals: Answer[] = []

const note = (answer: Answer) => {
  if (answer.status >= 400) refusals.push(answer)
  if (answer.body?.task_token) shown.add(answer.body.task_token)
  return answer
}
const identity = async (claims?: Record<string, unknown>) => {
  const token = await broker.workload(claims)
  shown.add(token)
  return token
}
const call = async (method: string, path: string, token: string, body?: unknown) =>
  note(await broker.call(method, path, { token, body }))
const open = async (change: Record<string, unknown> = {}, claims?: Record<string, unknown>) => {
  const body = { purpose: marker, authorization_details: [writeWeb], ttl: 600, ...change }
  return await call('POST', '/v1/tasks', await identity(claims), body)
}
const mint = (task: Answer['body'], detail: unknown = writeWeb) =>
  call('POST', `/v1/tasks/${task.id}/credentials`, task.task_token, { authorization_detail: detail })
const complete = (task: Answer['body']) => call('POST', `/v1/tasks/${task.id}/complete`, task.task_token)

/** One task in which every kind of outcome comes about that a caller or GitHub can bring about. */
async function everyOutcome(): Promise<Answer['body']> {
  const { body: task } = await open()
  await mint(task)
  await mint(task, readWeb)
  await mint(task, { ...writeWeb, repositories: ['acme/infra'] })
  await Promise.all([mint(task), mint(task)])
  await complete(task)
  await mint(task)

  // Answers of GitHub's that quote what it was sent, or what it has made.
  const leaky = { status: 500, body: { message: ledger.entries[0]!.secret } } as const
  for (const fault of [
    { kind: 'reset-after-processing' },
    { kind: 'garbage' },
    { kind: 'status', ...leaky },
    { kind: 'status', status: 422, body: leaky.body },
    { kind: 'rewrite', rewrite: (body: unknown) => ({ ...(body as object), repository_selection: 'all' }) },
  ] as const) {
    const { body: unlucky } = await open()
    github.faults.add({ ...fault, on: mints, times: 1 })
    await mint(unlucky)
    await complete(unlucky)
  }
  for (const on of [revokes, probes]) {
    const { body: slowly } = await open()
    await mint(slowly)
    github.faults.add({ kind: 'status', ...leaky, on, times: 1 })
    await complete(slowly)
  }
  const { body: unrecorded } = await open()
  const healed = refuseWrites(broker, 'update on leases')
  await mint(unrecorded)
  healed()
  await open({ authorization_details: [{ ...writeWeb, repositories: ['acme/docs'] }] })
  await open({ authorization_details: [{ ...writeWeb, repositories: ['acme/infra'] }] })
  await open({}, { sub: 'repo:acme/other:ref:refs/heads/main' })
  await open({}, { aud: 'https://elsewhere.example' })
  await open({}, { exp: 1 })

  const [replayed] = shown
  await call('POST', '/v1/tasks', replayed!, { purpose: marker, authorization_details: [writeWeb] })
  for (const token of [ledger.entries[0]!.secret, `${replayed!.slice(0, -4)}AAAA`, 'mft_'.padEnd(47, 'x')]) {
    shown.add(token)
    await call('POST', '/v1/tasks', token, { purpose: marker, authorization_details: [writeWeb] })
    await call('GET', `/v1/tasks/${token}`, token)
    await call('GET', `/v1/tasks/${token}`, task.task_token)
    await call('POST', '/v1/admin/revocations', token, { selector: { all: true }, reason: marker })
  }
  await open({}, { iss: 'https://elsewhere.example' })
  const admin = await broker.admin()
  shown.add(admin)
  await call('POST', '/v1/admin/revocations', admin, { selector: { task: unrecorded.id }, reason: marker })
  return task
}

test('I7: after a run with every outcome no secret is in a log, an error, the audit or, unsealed, on the disk', async () => {
  await everyOutcome()
  const { body: held } = await open()
  await mint(held)

  const app = await readFile(join(broker.directory, 'app.pem'), 'utf8')
  const seal = await readFile(join(broker.directory, 'seal.key'), 'utf8')
  const secrets = [...shown, ...ledger.entries.map(({ secret }) => secret), app.split('\n')[1]!, seal.trim()]
  expect(ledger.entries.length).toBeGreaterThan(8)
  expect(new Set(refusals.map(({ body }) => body.code))).toEqual(
    new Set([
      'invalid_token',
      'token_replayed',
      'unknown_agent',
      'policy_denied',
      'out_of_scope',
      'not_found',
      'task_not_active',
      'provider_rejected',
      'limit_exceeded',
      'unavailable',
      'provider_unavailable',
    ]),
  )

  const files = await databaseFiles(broker.directory)
  expect([...files.keys()]).toEqual(expect.arrayContaining(['mayfly.db', 'mayfly.db-wal']))
  const audit = JSON.stringify(rows(broker, 'audit_events'))
  // The search finds what is there.
  expect(found(Buffer.concat([...files.values()]), [marker, held.id])).toEqual([marker, held.id])
  expect(found(audit, [marker])).toEqual([marker])
  expect(found(broker.log.join(''), ['provider_unavailable'])).not.toEqual([])

  expect(found(broker.log.join(''), secrets)).toEqual([])
  expect(found(audit, secrets)).toEqual([])
  for (const { body, headers } of refusals)
    expect(found(JSON.stringify([body, ...headers]), secrets)).toEqual([])
  for (const [name, bytes] of files)
    expect({ name, secrets: found(bytes, secrets) }).toEqual({ name, secrets: [] })

  await broker.stop()
  for (const [name, bytes] of await databaseFiles(broker.directory))
    expect({ name, secrets: found(bytes, secrets) }).toEqual({ name, secrets: [] })
  expect(found(broker.log.join(''), secrets)).toEqual([])
  await broker.start()
})

test('I7: a handle is sealed for its row alone, and gone when the lease is over', async () => {
  const { body: task } = await open()
  const { body: minted } = await mint(task)
  const row = () => rows(broker, 'leases', `id = '${minted.lease.id}'`)[0]!
  expect(row().handle).toMatch(/^k1\.[A-Za-z0-9_-]{700,}$/)
  await complete(task)
  await until(() => row().status === 'revoked')
  expect(row()).toMatchObject({ handle: null, secret_hash: null })
})

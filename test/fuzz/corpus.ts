/** Sound requests of every kind, to be spoilt. */
import { type Answer, readWeb, type TestBroker, writeWeb } from '../support/broker.ts'
import { form } from '../support/oauth-form.ts'
import { subjectOf } from '../support/agents.ts'
import type { Request } from './mutations.ts'

/** The agent in whose name all this is sent. */
export const fuzzer = 'fuzz-bot'
const sub = subjectOf(fuzzer)
const infra = { ...writeWeb, repositories: ['acme/infra'] }

/** What requests are about, for a while. */
export interface Ground {
  task: Answer['body']
  ended: Answer['body']
  waiting: Answer['body']
  /** A credential that has been given back. */
  spent: string
  admin: string
  /** A human who may only look. */
  reader: string
}

export async function newGround(broker: TestBroker): Promise<Ground> {
  const [task, ended, waiting] = await Promise.all(
    [[readWeb, writeWeb], [readWeb], [infra]].map(async (authorization_details) => {
      return (await broker.open({ authorization_details }, { sub })).body
    }),
  )
  const { body: minted } = await broker.mint(ended, readWeb)
  await broker.complete(ended)
  return {
    task,
    ended,
    waiting,
    spent: minted.credential.token,
    admin: await broker.admin(),
    reader: await broker.admin({ sub: 'rita', email: 'rita@acme.dev', groups: ['readers'] }),
  }
}

/** The request that `pick`, 0 to 1, chooses. */
export async function soundRequest(broker: TestBroker, ground: Ground, pick: number): Promise<Request> {
  const { task, ended, waiting, spent, admin, reader } = ground
  const { host } = new URL(broker.url)
  const json = (method: string, path: string, token: string, body?: unknown): Request => ({
    method,
    path,
    headers: {
      Host: host,
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const posted = (path: string, parameters: Record<string, string | undefined>): Request => ({
    method: 'POST',
    path,
    headers: { Host: host, 'Content-Type': 'application/x-www-form-urlencoded', 'Idempotency-Key': 'k' },
    body: new URLSearchParams(parameters as Record<string, string>).toString(),
  })
  const identity = () => broker.workload({ sub })
  const reason = { reason: 'a test' }
  const [approval] = waiting.approvals
  const requests: (() => Request | Promise<Request>)[] = [
    async () =>
      json('POST', '/v1/tasks', await identity(), {
        purpose: 'fuzz',
        authorization_details: [readWeb],
        ttl: 60,
        context: { ticket: 'OPS-1' },
      }),
    async () =>
      json('POST', '/v1/tasks', await identity(), {
        purpose: 'fuzz',
        authorization_details: [infra],
        dry_run: true,
      }),
    () => json('GET', `/v1/tasks/${task.id}`, task.task_token),
    () => json('GET', `/v1/tasks/${ended.id}`, ended.task_token),
    () =>
      json('POST', `/v1/tasks/${task.id}/credentials`, task.task_token, { authorization_detail: readWeb }),
    () => json('POST', `/v1/tasks/${task.id}/credentials`, task.task_token, readWeb),
    () => json('POST', `/v1/tasks/${ended.id}/credentials`, ended.task_token, readWeb),
    () => json('POST', `/v1/tasks/${waiting.id}/credentials`, waiting.task_token, infra),
    () => json('POST', `/v1/tasks/${task.id}/leases/lease_x/revoke`, task.task_token),
    () => json('POST', `/v1/tasks/${ended.id}/complete`, ended.task_token),
    async () => posted('/oauth/token', await form(broker, { subject_token: await identity(), ttl: '60' })),
    async () => posted('/oauth/token', await form(broker, { subject_token: 'x.y.z' })),
    () => posted('/oauth/revoke', { token: spent }),
    ...['agents', 'tasks', 'leases', 'approvals', 'audit'].map(
      (list) => () => json('GET', `/v1/admin/${list}?limit=5&agent=${fuzzer}`, reader),
    ),
    () => json('GET', `/v1/admin/tasks?limit=2&cursor=MTA&status=active`, reader),
    // Each of these would do harm if its sender had the right to it.
    ...[reader, task.task_token].flatMap((token) => [
      () => json('POST', '/v1/admin/revocations', token, { selector: { all: true }, ...reason }),
      () => json('POST', '/v1/admin/agents/bystander-bot/suspend', token, reason),
      () => json('POST', `/v1/admin/approvals/${approval.id}/approve`, token, { digest: approval.digest }),
      () => json('POST', '/v1/admin/reload', token),
    ]),
    () => json('POST', `/v1/admin/approvals/${approval.id}/approve`, admin, { digest: '0'.repeat(64) }),
    () => json('POST', '/v1/admin/agents/nobody/resume', admin, reason),
    () => json('POST', '/v1/admin/revocations', admin, { selector: { task: ended.id }, ...reason }),
    () => json('GET', '/.well-known/oauth-authorization-server', ''),
    () => json('GET', '/.well-known/jwks.json', ''),
    () => json('GET', '/openapi.json', ''),
    () => json('GET', '/metrics', ''),
    () => json('GET', '/readyz', ''),
  ]
  return await requests[Math.floor(pick * requests.length)]!()
}

/** Whose a token is that turned up somewhere, of whatever kind it is, alive or dead. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { aws, everyUpstream, permissive, vaultSecret, vaultToken } from '../support/every-upstream.ts'
import { startMayfly } from '../support/mayfly.ts'
import { found } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: everyUpstream, files: permissive })
const { body: task } = await broker.open({
  authorization_details: [readWeb, aws, vaultToken, vaultSecret],
  purpose: 'to be found',
})
const minted = {
  github: (await broker.mint(task, readWeb)).body,
  aws: (await broker.mint(task, aws)).body,
  vault: (await broker.mint(task, vaultToken)).body,
  secret: (await broker.mint(task, vaultSecret)).body,
}
const secrets = [
  task.task_token,
  minted.github.credential.token,
  minted.aws.credential.session_token,
  minted.vault.credential.token,
] as string[]

async function find(args: string[], stdin?: string) {
  const env = { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.admin() }
  const running = startMayfly(['admin', 'find', ...args], env)
  running.process.stdin!.end(stdin ?? '')
  return running.ended
}

async function leaseOf(...args: Parameters<typeof find>) {
  const { status, stdout } = await find([...args[0], '--json'], args[1])
  expect(status).toBe(0)
  const { items } = JSON.parse(stdout)
  expect(items).toMatchObject([{ task: { id: task.id, agent: 'refactor-bot' } }])
  return items[0].lease?.id ?? items[0].kind
}

it('of a task token: the task, its agent and its owner', async () => {
  const { status, stdout } = await find(['-'], `${task.task_token}\n`)
  expect(status).toBe(0)
  expect(stdout).toContain(`the token of ${task.id}`)
  expect(stdout).toContain('agent    refactor-bot, owned by linus@acme.dev')
  expect(await leaseOf([createHash('sha256').update(task.task_token).digest('hex')])).toBe('task_token')
}, 30_000)

it('of a credential of each provider: by the token, its hash, or what upstream calls it', async () => {
  const file = join(broker.directory, 'leaked')
  const { github, aws: session, vault, secret } = minted
  for (const [token, { lease }] of [
    [github.credential.token, github],
    [session.credential.session_token, session],
    [vault.credential.token, vault],
  ]) {
    await writeFile(file, `${token}\n`)
    expect(await leaseOf(['--file', file])).toBe(lease.id)
    expect(await leaseOf(['-'], token)).toBe(lease.id)
  }
  for (const { lease } of [github, session, vault, secret])
    expect(await leaseOf([lease.fingerprint])).toBe(lease.id)
}, 90_000)

it('when it is over: by its fingerprint, which for GitHub the token is enough for', async () => {
  expect((await broker.complete(task)).body.leases).toMatchObject(Array(4).fill({ ended_at: /./ }))
  const { github, aws: session, vault } = minted
  expect(await leaseOf(['-'], github.credential.token)).toBe(github.lease.id)
  for (const { lease } of [github, session, vault]) expect(await leaseOf([lease.fingerprint])).toBe(lease.id)
  expect(await leaseOf(['-'], task.task_token)).toBe('task_token')
  const unknown = await find(['-'], vault.credential.token)
  expect(unknown).toMatchObject({ status: 1, stdout: '' })
  expect(unknown.stderr).toMatch(/^mayfly: this broker knows no such token\n {2}.*fingerprint.*\n$/)
}, 60_000)

it('the token is in no log, and nowhere on record', async () => {
  expect(found(broker.log.join(''), secrets)).toEqual([])
  const audit = await broker.call('GET', '/v1/admin/audit?limit=1000', { token: await broker.admin() })
  expect(found(JSON.stringify(audit.body), secrets)).toEqual([])
})

it('nothing given, or twice, is wrong usage; and only who may read finds anything', async () => {
  expect((await find([])).status).toBe(2)
  expect((await find(['x', '--file', 'y'])).status).toBe(2)
  const body = { hash: 'a'.repeat(64) }
  const token = await broker.workload()
  expect((await broker.call('POST', '/v1/admin/find', { token, body })).body.code).toBe('forbidden')
  for (const wrong of [{}, { token: task.task_token }, { hash: 'x' }, { hash: 'A'.repeat(64) }])
    expect(
      (await broker.call('POST', '/v1/admin/find', { token: await broker.admin(), body: wrong })).status,
    ).toBe(400)
}, 30_000)

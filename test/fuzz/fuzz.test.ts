/**
 * Sound requests, spoilt at random, against a running broker. `MAYFLY_FUZZ` sets
 * how many, `MAYFLY_FUZZ_SEED` which: a failure names the seed of its round.
 */
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { discrepancies } from '../support/audit.ts'
import { readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'
import { fuzzer, type Ground, newGround, soundRequest } from './corpus.ts'
import { plans, type Request } from './mutations.ts'
import { hangUp, type Reply, send } from './send.ts'

const total = Number(process.env['MAYFLY_FUZZ'] ?? 3_000)
const firstSeed = Number(process.env['MAYFLY_FUZZ_SEED'] ?? 20_261_120)
const perRound = 500
const atOnce = 8

const broker = await sharedBroker({
  settings: ({ issuer }) => ({
    admins: [
      ['security', ['read', 'approve', 'revoke', 'suspend']],
      ['readers', ['read']],
    ].map(([name, may]) => ({
      name,
      issuer: 'sandbox',
      audience: [`${issuer.url}/nobody`, 'console'],
      claims: { groups: name },
      may,
    })),
  }),
  files: { ...agentFiles(fuzzer), ...agentFiles('bystander-bot') },
})
const admin = broker.admin
broker.admin = (claims) => admin({ aud: 'console', ...claims })
afterAll(hangUp)
const { ledger } = broker.sandbox

/** Somebody else, whom nothing of this may touch. */
const { body: theirs } = await broker.open({ ttl: 3600 }, { sub: subjectOf('bystander-bot') })
const { body: held } = await broker.mint(theirs, readWeb)
const foreign = [
  theirs.task_token,
  held.credential.token,
  await readFile(join(broker.directory, 'seal.key'), 'utf8'),
]

/** Where an answer may hold a secret that is the caller's own. */
const opens = (path: string) => path === '/v1/tasks' || path === '/oauth/token'
const mints = (path: string) => path === '/oauth/token' || /^\/v1\/tasks\/[^/]+\/credentials$/.test(path)

function faultOf(request: Request, { status, headers, text }: Reply): string | undefined {
  const [path = ''] = request.path.split('?')
  if (status >= 500) return 'a failure of its own'
  if (foreign.some((secret) => text.includes(secret))) return "somebody else's secret"
  if (/ghs_\w{20}/.test(text) && !(status < 300 && mints(path))) return 'a credential'
  if (/mft_\w{20}/.test(text) && !opens(path)) return 'a task token'
  if (/PRIVATE KEY|node_modules|SQLITE_|at .+\.ts:\d/.test(text)) return 'its insides'
  if ('x-injected' in headers) return 'an injected header'
  if (!/^req_[0-9a-f]{32}$/.test(headers['x-request-id']?.toString() ?? '')) return 'no request id'
  if (status === 201 && mints(path) && JSON.parse(text).lease.task !== path.split('/')[3])
    return 'a credential of another task'
  return undefined
}

async function round(seed: number, count: number): Promise<Map<number, number>> {
  const ground: Ground = await newGround(broker)
  const statuses = new Map<number, number>()
  const queue = plans(count, seed)
  const worker = async () => {
    for (let plan = queue.pop(); plan; plan = queue.pop()) {
      const request = plan.mutate(await soundRequest(broker, ground, plan.pick))
      const reply = await send(broker.url, request)
      const fault = reply && faultOf(request, reply)
      if (fault) throw new Error(`seed ${seed}: ${fault} in ${JSON.stringify({ request, reply })}`)
      const status = reply?.status ?? 0
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return statuses
}

/** Whatever is alive upstream is known here, by a lease of a task that runs. */
function expectAccounted(): void {
  const leases = rows(broker, 'leases', "status in ('active', 'revoking')")
  const active = new Set(rows(broker, 'tasks', "status = 'active'").map(({ id }) => id))
  for (const { fingerprint } of ledger.alive()) {
    const lease = leases.find((each) => each.fingerprint === fingerprint)
    expect(lease).toBeDefined()
    expect(active.has(lease!.task) || lease!.status === 'revoking').toBe(true)
  }
}

test(
  `${total} requests: each is answered, and nothing gets out or stays alive that should not`,
  async () => {
    const seen = new Map<number, number>()
    for (let done = 0; done < total; done += perRound) {
      for (const [status, count] of await round(firstSeed + done, Math.min(perRound, total - done)))
        seen.set(status, (seen.get(status) ?? 0) + count)
      expectAccounted()
      await broker.revoke({ agent: fuzzer })
      await until(() => ledger.alive().length === 1)
    }
    // A run in which nothing succeeded, or nothing was refused, has shown nothing.
    for (const status of [200, 201, 400, 401, 403, 404])
      expect(seen.get(status) ?? 0).toBeGreaterThan(total / 300)

    expect((await broker.read(theirs)).body).toMatchObject({
      status: 'active',
      leases: [{ status: 'active' }],
    })
    expect(await broker.use(held.credential.token)).toBe(200)
    expect((await broker.open()).status).toBe(201)
    expect(await discrepancies(broker)).toEqual([])
    expect(broker.log.filter((line) => /"level":"?(50|60|error|fatal)/.test(line))).toEqual([])
  },
  120_000 + total * 40,
)

test('bytes that are not HTTP close their connection, and disturb nobody', async () => {
  const { hostname, port } = new URL(broker.url)
  const pieces = plans(200, firstSeed).map(({ mutate }) =>
    mutate({ method: 'GET', path: '/', headers: {}, body: 'GET / HTTP/1.1\r\nHost: x\r\n' }),
  )
  for (const { body } of pieces) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {}).resume()
    socket.end(Buffer.from(body ?? '', 'latin1'))
    await once(socket, 'close')
  }
  expect((await broker.read(theirs)).status).toBe(200)
})

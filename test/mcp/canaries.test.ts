/**
 * No answer, log or record holds a secret, whatever a model calls. `MAYFLY_MCP_FUZZ` sets how many
 * calls, `MAYFLY_MCP_FUZZ_SEED` which.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readWeb, writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { found } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { versions } from './client.ts'
import { connectTo, sessionAt } from './in-process.ts'

const total = Number(process.env['MAYFLY_MCP_FUZZ'] ?? 300)
const seed = Number(process.env['MAYFLY_MCP_FUZZ_SEED'] ?? 20_261_128)

const broker = await sharedBroker({ settings: { limits: { open_tasks: 10_000, pending_approvals: 10_000 } } })

const sound = fc.constantFrom<unknown>(
  'github:acme/web:contents=read',
  'github:acme/web:contents=write',
  'github:acme/infra:contents=write',
  'github:acme/docs:contents=read',
  readWeb,
  { ...writeWeb, connection: 'acme' },
)
const scope = fc.oneof(
  { weight: 3, arbitrary: sound },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      'github:acme/docs:contents=write',
      'tool:publish:npm',
      'github:',
      'nothing',
      { type: 'github' },
      { type: 'vault', path: '../..' },
    ),
  },
)
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    2 ** 53,
    '',
    '__proto__',
    '\u202e',
    '${env:MAYFLY_TASK_TOKEN}',
    'x'.repeat(3000),
    [],
    {},
  ),
  fc.string(),
)
const often = (sound: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 6, arbitrary: sound }, { weight: 1, arbitrary: odd })

/** One call, with whatever ids there are by then. */
function calls(ids: readonly string[]): fc.Arbitrary<{ name: string; args: Record<string, unknown> }> {
  const id = often(fc.constantFrom<unknown>(...ids, 'task_nobody', '../../v1/admin/tasks'))
  const args = (fields: Record<string, fc.Arbitrary<unknown>>) =>
    fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Record<string, unknown>>
  const details = often(
    fc.oneof(
      { weight: 2, arbitrary: fc.tuple(scope) },
      { weight: 1, arbitrary: fc.array(often(scope), { maxLength: 3 }) },
    ),
  )
  const purpose = often(fc.constantFrom('a test', 'another test', 'Print $MAYFLY_TASK_TOKEN'))
  const ttl = often(fc.constantFrom(60, 600))
  const tools = {
    what_may_i_do: args({ authorization_details: details, purpose, ttl, context: odd }),
    request_access: args({ authorization_details: details, purpose, ttl, wait: fc.constant(0) }).map(
      (given) => ({ purpose: 'a test', ...given }),
    ),
    status: args({ access: id, wait: fc.constant(0) }),
    give_back: args({ access: id, lease: id }),
    ...(ids.length > 15 && { complete_task: args({}) }),
  }
  return fc.oneof(
    ...Object.entries(tools).map(([name, given]) =>
      given.map((args) => ({ name, args: { ...args, ...(name === 'request_access' && { wait: 0 }) } })),
    ),
    fc
      .tuple(often(fc.constant('status')), args({ x: odd }))
      .map(([name, args]) => ({ name: String(name), args })),
  )
}

it.each(versions)(
  'at %s',
  async (version) => {
    const secrets = new Set<string>()
    const session = sessionAt(broker)
    const identity = session.token
    session.token = async () => {
      const token = await identity()
      secrets.add(token)
      return token
    }
    const open = session.accesses.open.bind(session.accesses)
    session.accesses.open = async (request) => {
      const access = await open(request)
      secrets.add(access.task.token)
      return access
    }
    let heard: object[] = []
    const { call } = await connectTo(session, version, {}, (message) => heard.push(message))
    const ids: string[] = []
    let answered = 0
    const logged = broker.log.length
    for (let n = 0; n < total / versions.length; n += 1) {
      const [one] = fc.sample(calls(ids), { numRuns: 1, seed: (seed + n) * 7919 })
      const got = await call(one!.name, one!.args).catch(() => undefined)
      if (got && !got.refused) answered += 1
      const [newest] = session.accesses.standing
      if (newest && ids.at(-1) !== newest.task.id) {
        ids.push(newest.task.id)
        // What helpers mint of it is to be seen nowhere either.
        const [detail] = newest.latest.authorization_details
        if (newest.latest.status === 'active' && detail?.type === 'github') {
          const minted = await session.client.credential(newest.task, detail).catch(() => undefined)
          if (minted) secrets.add(String(minted.credential['token']))
        }
      }
      if (n % 50 !== 49) continue
      expect(found(JSON.stringify(heard), secrets), `seed ${seed + n}`).toEqual([])
      heard = []
    }
    expect(found(JSON.stringify(heard), secrets)).toEqual([])
    expect(found(broker.log.slice(logged).join('\n'), secrets)).toEqual([])
    expect(found(JSON.stringify(rows(broker, 'audit_events')), secrets)).toEqual([])
    expect([...secrets].filter((secret) => secret.startsWith('ghs_')).length).toBeGreaterThan(2)
    expect(answered).toBeGreaterThan(total / versions.length / 10)
  },
  60_000 + total * 100,
)

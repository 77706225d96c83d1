/** The deny policy as IAM has it: written by others too, removed, left behind, seen late. */
import { expect, test } from 'vitest'
import { asTimePasses } from '../support/clock.ts'
import { conditions, connectAws, denyPolicy } from '../support/aws-sandbox.ts'

const anHour = 3_600_000

test("a second writer's entries survive, as long as a session of the role can live", async () => {
  const upstream = await connectAws({ as: 'role' })
  const { sandbox, clock } = upstream
  const theirs = 'AROAAAAAAAAAAAAAAAAAA:lease_of_a_restored_backup'
  sandbox.setInlinePolicy('deployer', denyPolicy, policyOf(theirs))
  const minted = await upstream.mint()
  await upstream.revoke([minted])
  expect(upstream.policy()).toContain(theirs)
  await clock.advance(1_000_000)
  await upstream.maintain()
  expect(upstream.policy()).toContain(theirs)
  expect(upstream.policy()).not.toContain(minted.handle['assumed_role_id'])
  await clock.advance(anHour - 1_000_000)
  await upstream.maintain()
  expect(upstream.policy()).toBeUndefined()
})

const theirs = 'AROAAAAAAAAAAAAAAAAAA:theirs'
const everything = { Effect: 'Deny', Action: '*', Resource: '*' }
test.each<[string, unknown]>([
  ['one statement and no list', { ...everything, Condition: { StringEquals: { 'aws:userid': theirs } } }],
  [
    'lists of one',
    [
      {
        ...everything,
        Action: ['*'],
        Resource: ['*'],
        Condition: { StringEquals: { 'aws:userid': [theirs] } },
      },
    ],
  ],
  ['a pattern without wildcards', [{ ...everything, Condition: { StringLike: { 'aws:userid': [theirs] } } }]],
])("a second writer's entries survive where they are written as %s", async (_, Statement) => {
  const upstream = await connectAws({ as: 'role' })
  const text = JSON.stringify({ Version: '2012-10-17', Statement })
  upstream.sandbox.setInlinePolicy('deployer', denyPolicy, text)
  await upstream.revoke([await upstream.mint()])
  expect(upstream.policy()).toContain(theirs)
})

test('a pattern of a second writer stays a pattern', async () => {
  const upstream = await connectAws({ as: 'role' })
  const Condition = { StringLike: { 'aws:userid': ['AROAAAAAAAAAAAAAAAAAA:lease_0?*'] } }
  upstream.sandbox.setInlinePolicy('deployer', denyPolicy, policyOn(Condition))
  await upstream.revoke([await upstream.mint()])
  expect(conditions(upstream.policy())).toContainEqual(Condition)
})

test('a role-wide deny that somebody else still needs is kept just as long', async () => {
  const upstream = await connectAws({ as: 'role' })
  const { sandbox, clock } = upstream
  const Condition = { DateLessThan: { 'aws:TokenIssueTime': '2026-11-02T08:59:00Z' } }
  sandbox.setInlinePolicy('deployer', denyPolicy, policyOn(Condition))
  await upstream.revoke([await upstream.mint()])
  expect(conditions(upstream.policy())).toContainEqual(Condition)
  await clock.advance(anHour)
  await upstream.maintain()
  expect(upstream.policy()).toBeUndefined()
})

test('what another writer wrote over is written again', async () => {
  const upstream = await connectAws({ as: 'role' })
  const minted = await upstream.mint()
  await upstream.revoke([minted])
  upstream.sandbox.setInlinePolicy('deployer', denyPolicy, policyOf('AROAAAAAAAAAAAAAAAAAA:theirs'))
  expect(upstream.alive()).toHaveLength(1)
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'live' })
  await upstream.maintain()
  expect(upstream.alive()).toEqual([])
  expect(upstream.policy()).toContain('theirs')
})

test('what was removed comes back from the store, also after a restart', async () => {
  const upstream = await connectAws({ as: 'role' })
  const minted = await upstream.mint()
  await upstream.revoke([minted])
  upstream.sandbox.setInlinePolicy('deployer', denyPolicy, undefined)
  const restarted = upstream.restarted()
  await upstream.maintain(restarted)
  expect(upstream.alive()).toEqual([])
})

test('what the last process left behind goes, once no session of it can be alive', async () => {
  const upstream = await connectAws({ as: 'role' })
  await upstream.revoke([await upstream.mint()])
  await upstream.clock.advance(1_000_000)
  const restarted = upstream.restarted()
  await upstream.maintain(restarted)
  expect(upstream.policy()).toBeDefined()
  await upstream.clock.advance(anHour)
  await upstream.maintain(restarted)
  expect(upstream.policy()).toBeUndefined()
})

test("an entry that is over does not pass for somebody else's while IAM still shows it", async () => {
  const upstream = await connectAws({ as: 'role' })
  const { sandbox, clock } = upstream
  const over = await upstream.mint()
  await upstream.revoke([over])
  await clock.advance(900_000)
  const other = await upstream.mint()
  sandbox.settings.staleReads = 30_000
  await asTimePasses(clock, Promise.resolve(upstream.maintain()))
  await asTimePasses(clock, upstream.revoke([other]))
  await clock.advance(60_000)
  await upstream.maintain()
  expect(upstream.policy()).toContain(other.handle['assumed_role_id'])
  expect(upstream.policy()).not.toContain(over.handle['assumed_role_id'])
})

test('a role-wide deny is not taken to reach the sessions of that very second', async () => {
  const upstream = await connectAws({ as: 'role' })
  const minted = await upstream.mint()
  const probed = async (time: string) => {
    const Condition = { DateLessThan: { 'aws:TokenIssueTime': time } }
    upstream.sandbox.setInlinePolicy('deployer', denyPolicy, policyOn(Condition))
    return [(await upstream.probe(minted)).result, upstream.alive().length]
  }
  expect(await probed('2026-11-02T09:00:00Z')).toEqual(['live', 1])
  expect(await probed('2026-11-02T09:00:01Z')).toEqual(['denied', 0])
})

test('looking after the policies writes nothing where nothing has changed', async () => {
  const upstream = await connectAws({ as: 'role' })
  await upstream.revoke([await upstream.mint()])
  await upstream.maintain()
  const before = upstream.calls('PutRolePolicy')
  await upstream.maintain()
  await upstream.maintain()
  expect(upstream.calls('PutRolePolicy')).toBe(before)
})

test("policies of other names are nobody's business", async () => {
  const upstream = await connectAws({ as: 'role' })
  const theirs = 'mayfly-deny-fedcba9876543210'
  upstream.sandbox.setInlinePolicy('deployer', theirs, policyOf('AROAAAAAAAAAAAAAAAAAA:theirs'))
  await upstream.revoke([await upstream.mint()])
  await upstream.clock.advance(2 * anHour)
  await upstream.maintain()
  expect([...upstream.sandbox.inlinePolicies('deployer').keys()]).toEqual([theirs])
})

const policyOf = (userId: string) => policyOn({ StringEquals: { 'aws:userid': userId } })

function policyOn(Condition: object): string {
  const statement = { Effect: 'Deny', Action: '*', Resource: '*', Condition }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] }, null, 2)
}

/** I8 Authority only shrinks: what is minted lies within the task's scope, and that within what policy allows. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  settings: { limits: { live_leases: { task: 500, agent: 5000 } } },
})
const { ledger } = broker.sandbox

const levels = ['read', 'write']
const someDetail = fc.record({
  type: fc.constant('github'),
  repositories: fc.subarray(['acme/docs', 'acme/web'], { minLength: 1 }),
  permissions: fc.dictionary(
    fc.constantFrom('contents', 'issues', 'pull_requests'),
    fc.constantFrom(...levels),
    { minKeys: 1 },
  ),
})
type Detail = typeof someDetail extends fc.Arbitrary<infer Value> ? Value : never

const within = (inner: Detail, outer: Detail) =>
  inner.repositories.every((name) => outer.repositories.includes(name)) &&
  Object.entries(inner.permissions).every(
    ([name, level]) => levels.indexOf(outer.permissions[name] ?? '') >= levels.indexOf(level),
  )
/** What the sandbox's policy allows: all on `acme/web`, on `acme/docs` only to read. */
const allowed = ({ repositories, permissions }: Detail) =>
  !repositories.includes('acme/docs') || Object.values(permissions).every((level) => level === 'read')

test('I8: whatever is asked, policy decides the scope, the scope the credential, and GitHub is asked for just that', async () => {
  await fc.assert(
    fc.asyncProperty(someDetail, someDetail, async (scope, asked) => {
      const opened = await broker.open({ authorization_details: [scope] })
      expect(opened.status).toBe(allowed(scope) ? 201 : 403)
      if (!allowed(scope)) return
      const before = ledger.entries.length
      const minted = await broker.mint(opened.body, asked)
      expect(minted.status).toBe(within(asked, scope) ? 201 : 403)
      expect(ledger.entries.length - before).toBe(within(asked, scope) ? 1 : 0)
      if (minted.status !== 201) return expectRefusal(minted, 403, 'out_of_scope')
      expect(ledger.entries.at(-1)!.scope).toMatchObject({
        repositories: asked.repositories,
        permissions: { ...asked.permissions, metadata: 'read' },
      })
      expect(Object.keys((ledger.entries.at(-1)!.scope as Detail).permissions)).toHaveLength(
        Object.keys({ ...asked.permissions, metadata: 'read' }).length,
      )
    }),
    { numRuns: 40 },
  )
}, 60_000)

test("I8: GitHub's implicit metadata is neither wider nor in need of a policy", async () => {
  const { body: task } = await broker.open()
  const { status, body } = await broker.mint(task)
  expect(status).toBe(201)
  expect(ledger.find(body.credential.token)!.scope).toMatchObject({
    permissions: { contents: 'write', metadata: 'read' },
  })
  expect(body.lease.authorization_detail.permissions).toEqual({ contents: 'write' })
})

test('I8: what policy withdraws no older decision gives: a scope that is too wide is denied whole', async () => {
  const docs = { type: 'github', repositories: ['acme/docs', 'acme/web'], permissions: { contents: 'write' } }
  const answer = await broker.open({ authorization_details: [docs] })
  expectRefusal(answer, 403, 'policy_denied')
  expect(answer.body.denials.map(({ resource }: { resource: string }) => resource)).toContain(
    'GithubRepository::"acme/docs"',
  )
})

/** A yes that became necessary after the task was opened, because of what else the agent holds by then. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { needing } from '../support/approvals.ts'

const { settings } = needing('security')
const broker = await describedBroker({
  settings,
  files: {
    'policies/acme.cedar': `@id("all") permit (principal, action, resource);
@id("deploys-need-security")
@approval("security")
forbid (principal, action in Mayfly::Action::"write", resource)
when { context.held.contains("deploy") }
unless { context.approvals.contains("security") };`,
  },
})
const write = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'write' } }
const deploy = { type: 'github', repositories: ['acme/web'], permissions: { deployments: 'write' } }

test('a credential is refused by the policy that asks for it, and the record says so', async () => {
  const { body: writing } = await broker.open({ authorization_details: [write] })
  const { body: deploying } = await broker.open({ authorization_details: [deploy] })
  expect((await broker.mint(deploying, deploy)).status).toBe(201)

  const refused = await broker.mint(writing, write)
  expectRefusal(refused, 403, 'policy_denied')
  const denials = [
    {
      action: 'github.contents.write',
      resource: 'GithubRepository::"acme/web"',
      policies: ['deploys-need-security'],
    },
  ]
  expect(refused.body).toMatchObject({ denials, detail: expect.stringContaining('a yes of security') })
  const [event] = rows(broker, 'audit_events', `type = 'request.denied' order by seq desc limit 1`)
  expect(JSON.parse(event!.data!)).toMatchObject({ denials, reason: refused.body.detail })

  await broker.complete(deploying)
  expect((await broker.mint(writing, write)).status).toBe(201)
})

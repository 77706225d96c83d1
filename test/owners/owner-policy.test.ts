/** Policy about an owner holds for the assistant of that person, whatever file their agent is in. */
import { expect, test } from 'vitest'
import { assistantOf, assistants } from '../support/assistants.ts'
import { filesOf } from '../support/broker-files.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  files: {
    ...assistants(),
    'policies/owners.cedar': `@id("mallory-writes-nothing")
forbid (principal in Mayfly::Owner::"mallory@acme.dev", action in Mayfly::Action::"write", resource);
`,
  },
})

test('a forbid about one owner refuses their assistant, in whatever letters they write their address', async () => {
  expect((await assistantOf(broker, 'ada')).status).toBe('active')
  for (const name of ['mallory', 'Mallory']) {
    const { code, denials } = await assistantOf(broker, name)
    expect(code).toBe('policy_denied')
    expect(denials[0].policies).toEqual(['mallory-writes-nothing'])
  }
})

test('a permit for one owner is for them alone', async () => {
  const files = await filesOf(broker, 'policies/claude-code.cedar')
  await files.write(
    'policies/claude-code.cedar',
    `@id("ada-works")
permit (principal in Mayfly::Owner::"ada@acme.dev",
        action in [Mayfly::Action::"read", Mayfly::Action::"write"],
        resource in Mayfly::GithubOwner::"acme");
`,
  )
  const bob = await assistantOf(broker, 'bob')
  const ada = await assistantOf(broker, 'ada')
  expect((await files.reload()).body.warnings.join()).not.toContain('Owner')
  expect((await broker.read(bob)).body).toMatchObject({ status: 'revoked', end_reason: 'policy_changed' })
  expect((await broker.read(ada)).body.status).toBe('active')
  expect((await assistantOf(broker, 'bob')).code).toBe('policy_denied')
  await files.restore()
  await files.reload()
})

test('an open task ends where its token does not show the claim that the file asks for now', async () => {
  const files = await filesOf(broker, 'agents/claude-code.yaml')
  const task = await assistantOf(broker, 'ada')
  await files.write('agents/claude-code.yaml', assistants('employee')['agents/claude-code.yaml']!)
  await files.reload()
  expect((await broker.read(task)).body).toMatchObject({ status: 'revoked', end_reason: 'policy_changed' })
  await files.restore()
  await files.reload()
})

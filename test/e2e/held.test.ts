import { expect, test } from 'vitest'
import { everyUpstream } from '../../src/sandbox/configuration.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  settings: (sandbox, port) => {
    const { providers } = everyUpstream(sandbox, port).settings as {
      providers: { vault: { paths: { class: string }[] }[] }
    }
    providers.vault[0]!.paths[0]!.class = 'secrets'
    return { providers }
  },
  files: {
    'policies/held.cedar': `@id("bot-may-do-much")
permit (principal == Mayfly::Agent::"refactor-bot", action, resource);

@id("no-secrets-with-deploy")
forbid (principal, action, resource)
when { context.held.containsAll(["deploy", "secrets"]) };`,
  },
})
const { aws } = broker.sandbox
const deploy = { type: 'aws', role_arn: aws.roleArn('deployer') }
const secret = { type: 'vault', path: 'database/creds/readonly' }
const denial = { policies: ['no-secrets-with-deploy'] }
const denied = { status: 403, body: { code: 'policy_denied', denials: [denial] } }

test('a deploy role and a secret are refused to one task', async () => {
  expect(await broker.open({ authorization_details: [deploy, secret] })).toMatchObject({
    ...denied,
    body: { denials: [denial, denial] },
  })
})

test('a secret is refused while another task of the agent holds a deploy role, and granted once that is over', async () => {
  const deploying = (await broker.open({ authorization_details: [deploy] })).body
  const reading = (await broker.open({ authorization_details: [secret] })).body
  expect((await broker.mint(deploying, deploy)).status).toBe(201)
  expect(await broker.mint(reading, secret)).toMatchObject(denied)
  await broker.complete(deploying)
  expect((await broker.mint(reading, secret)).status).toBe(201)
  await broker.complete(reading)
})

test('of many requests at once for both, those of one kind are granted', async () => {
  const tasks = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const detail = index % 2 === 0 ? deploy : secret
      return { detail, task: (await broker.open({ authorization_details: [detail] })).body }
    }),
  )
  const answers = await Promise.all(tasks.map(({ task, detail }) => broker.mint(task, detail)))
  const granted = answers.flatMap(({ status, body }) => (status === 201 ? [body.lease.class] : []))
  expect(granted.length).toBeGreaterThan(0)
  expect(new Set(granted).size).toBe(1)
  await Promise.all(tasks.map(({ task }) => broker.complete(task)))
})

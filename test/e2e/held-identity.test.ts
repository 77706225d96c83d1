import { parse, stringify } from 'yaml'
import { expect, test } from 'vitest'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
    'policies/held.cedar': `@id("everybody-may-do-much")
permit (principal, action, resource);

@id("no-secrets-with-deploy")
forbid (principal, action, resource)
when { context.held.containsAll(["deploy", "secrets"]) };`,
  },
})
const deploy = { type: 'aws', role_arn: broker.sandbox.aws.roleArn('deployer') }
const secret = { type: 'vault', path: 'database/creds/readonly' }

/** Another agent that the same workload matches. */
async function addSecondAgent(): Promise<void> {
  const agents = join(broker.directory, 'agents')
  const first = parse(await readFile(join(agents, 'refactor-bot.yaml'), 'utf8'))
  const claims = { repository_id: '123' }
  const second = { ...first, name: 'night-bot', match: [{ issuer: 'sandbox', claims }] }
  await writeFile(join(agents, 'night-bot.yaml'), stringify(second))
  await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
}

async function taskOf(agent: string, detail: unknown, claims?: Record<string, unknown>) {
  const answer = await broker.open({ agent, authorization_details: [detail] }, claims)
  expect(answer.status).toBe(201)
  return answer.body
}

test('one identity that matches two agents holds no secret as one while it holds a deploy role as the other', async () => {
  await addSecondAgent()
  const [deploying, reading] = [await taskOf('refactor-bot', deploy), await taskOf('night-bot', secret)]
  const elsewhere = await taskOf('night-bot', secret, { sub: 'repo:acme/web:ref:refs/heads/topic' })
  expect((await broker.mint(deploying, deploy)).status).toBe(201)

  const denied = { status: 403, body: { denials: [{ policies: ['no-secrets-with-deploy'] }] } }
  expect(await broker.mint(reading, secret)).toMatchObject(denied)
  expect(await broker.open({ agent: 'night-bot', authorization_details: [secret] })).toMatchObject(denied)
  // Another identity as that agent holds nothing of the kind.
  expect((await broker.mint(elsewhere, secret)).status).toBe(201)

  await broker.complete(elsewhere)
  await broker.complete(deploying)
  expect((await broker.mint(reading, secret)).status).toBe(201)
})

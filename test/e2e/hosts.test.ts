/** Two GitHubs with an owner of the same name: each credential is for its own host. */
import { expect, onTestFinished, test } from 'vitest'
import { createClient } from '../../src/client/client.ts'
import { gitCredential } from '../../src/client/git-credential.ts'
import { GitTokens } from '../../src/client/git-tokens.ts'
import { KeptCredentials } from '../../src/client/kept.ts'
import { systemClock } from '../../src/base/clock.ts'
import { githubConnection } from '../../src/sandbox/configuration.ts'
import { startGithub } from '../../src/sandbox/github.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import { startTestBroker } from '../support/broker.ts'

const clock = systemClock()

async function twoHosts(policy: string) {
  const server = await startGithub(clock, createLedger(clock), { owner: 'acme', repositories: ['web'] })
  const own = {
    ...githubConnection(server),
    name: 'own',
    host: 'ghe.acme.dev',
    private_key: { file: './own.pem' },
  }
  const broker = await startTestBroker({
    settings: ({ github }) => ({ providers: { github: [githubConnection(github), own] } }),
    files: { 'own.pem': server.privateKey, 'policies/acme.cedar': policy },
  })
  onTestFinished(async () => {
    await broker[Symbol.asyncDispose]()
    await server.close()
  })
  return broker
}
const detail = (connection: string) => ({
  type: 'github',
  connection,
  repositories: ['acme/web'],
  permissions: { contents: 'write' },
})
const anywhere = `@id("p") permit (principal, action, resource) when { ["acme", "own"].contains(context.connection) };`

test('policy decides by host and by connection', async () => {
  const broker = await twoHosts(`@id("p")
permit (principal, action, resource in Mayfly::GithubHost::"ghe.acme.dev");`)
  expect((await broker.open({ authorization_details: [detail('own')] })).status).toBe(201)
  expect((await broker.open({ authorization_details: [detail('acme')] })).body).toMatchObject({
    code: 'policy_denied',
  })
})

test('the answer says which host a credential is for, and the client offers it to no other', async () => {
  const broker = await twoHosts(anywhere)
  const { body } = await broker.open({ authorization_details: [detail('own')] })
  expect(body.upstreams).toEqual([{ provider: 'github', connection: 'own', host: 'ghe.acme.dev' }])
  const minted = await broker.mint(body, detail('own'))
  expect(minted.body.host).toBe('ghe.acme.dev')

  const client = createClient({ url: broker.url })
  const task = { id: body.id as string, token: body.task_token as string }
  const hosts = ['https://github.com', 'https://ghe.acme.dev']
  const kept = new KeptCredentials({ client, task, clock, ends: Infinity })
  const tokens = new GitTokens({ client, task, kept })
  const git = (host: string) =>
    gitCredential('get', `protocol=https\nhost=${host}\npath=acme/web.git\n\n`, {
      tokens: () => tokens,
      hosts,
    })
  expect(await git('ghe.acme.dev')).toContain('password=ghs_')
  await expect(git('github.com')).rejects.toMatchObject({
    message: 'acme/web is not within the scope of this task',
  })
})

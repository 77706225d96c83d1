/** octo-sts' action over TLS: what its main and its post send, and both scripts as they are where a checkout is named. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { subjectOf } from '../support/agents.ts'
import { selfSigned } from '../support/certificate.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { stsAgent } from '../support/sts.ts'
import { until } from '../support/until.ts'

const { cert, key } = selfSigned()
const broker = await sharedBroker({
  files: { 'tls.pem': cert, 'tls.key': key, ...stsAgent('release') },
  settings: (_sandbox, port) => ({
    url: `https://127.0.0.1:${port}`,
    tls: { cert: './tls.pem', key: './tls.key' },
  }),
})
const { github, issuer, ledger } = broker.sandbox
const domain = new URL(broker.url).host
const runner = issuer.actions({ sub: subjectOf('release') })

async function ask(path: string, token: string) {
  const sent = get(`https://${domain}${path}`, {
    ca: cert,
    agent: false,
    headers: { Authorization: `Bearer ${token}`, Accept: '*/*', 'User-Agent': 'node' },
  })
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return JSON.parse(text)
}

test('the runner’s token for the bare domain gets a credential, which post takes back upstream', async () => {
  const { value } = (await (
    await fetch(`${runner.url}&audience=${domain}`, {
      headers: { Authorization: `Bearer ${runner.requestToken}` },
    })
  ).json()) as { value: string }
  const query = 'scope=acme/web&scopes=acme/web&identity=release'
  const answer = await ask(`/sts/exchange?${query}`, value)
  expect(answer).toEqual({ token: expect.stringMatching(/^ghs_/), refreshToken: '', expiry: null })
  expect(await broker.use(answer.token)).toBe(200)
  const { status } = await fetch(`${github.url}/installation/token`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${answer.token}`, Accept: 'application/vnd.github+json' },
  })
  expect(status).toBe(204)
  await until(() => ledger.alive().length === 0)
})

/** A checkout of octo-sts/action. */
const checkout = process.env['OCTO_STS_ACTION']

test.skipIf(!checkout)('its own scripts, unchanged (where OCTO_STS_ACTION names a checkout)', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-octo-sts-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const file = (name: string) => join(directory, name)
  await writeFile(file('ca.pem'), cert)
  for (const name of ['output', 'state']) await writeFile(file(name), '')
  // post.js knows GitHub by one address.
  const elsewhere = `const real = fetch
globalThis.fetch = (url, options) => real(String(url).replace('https://api.github.com', '${github.url}'), options)`
  const run = async (script: string, env: Record<string, string>) => {
    const child = spawn(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(elsewhere)}`, join(checkout!, script)],
      { env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: file('ca.pem'), ...env } },
    )
    let stdout = ''
    child.stdout.on('data', (text: Buffer) => (stdout += String(text)))
    const [status] = await once(child, 'close')
    return { status, stdout }
  }
  const main = await run('index.js', {
    INPUT_SCOPE: 'acme/web',
    INPUT_IDENTITY: 'release',
    INPUT_DOMAIN: domain,
    ACTIONS_ID_TOKEN_REQUEST_URL: runner.url,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: runner.requestToken,
    GITHUB_OUTPUT: file('output'),
    GITHUB_STATE: file('state'),
  })
  expect(main.status).toBe(0)
  const [, token = ''] = /^token=(\S+)$/.exec(await readFile(file('output'), 'utf8')) ?? []
  expect(main.stdout).toContain(`::add-mask::${token}\n`)
  expect(await broker.use(token)).toBe(200)
  const post = await run('post.js', { STATE_token: token })
  expect(post).toEqual({ status: 0, stdout: 'Token was revoked!\n' })
  await until(() => ledger.alive().length === 0)
})

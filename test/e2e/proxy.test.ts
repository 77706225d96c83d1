/** A network out of which there is one way: a proxy that takes CONNECT alone and has a CA of its own. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { githubConnection } from '../../src/sandbox/configuration.ts'
import { type SandboxProxy, startProxy } from '../../src/sandbox/proxy.ts'
import { selfSigned } from '../support/certificate.ts'
import { mayfly, startMayfly } from '../support/mayfly.ts'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'

const name = (what: string) => `${what}.corp.example`
const at = (what: string) => `https://${name(what)}`
const all = ['mayfly', 'issuer', 'github', 'aws', 'vault'].map(name)
const corporate = selfSigned(undefined, all)

/** Each upstream is known by a name that only the proxy can resolve. */
const settings = ({ github, aws }: Sandbox) => ({
  url: at('mayfly'),
  issuers: { sandbox: { issuer: at('issuer'), tenancy: 'single' } },
  providers: {
    github: [{ ...githubConnection(github), api: at('github') }],
    aws: [
      {
        name: 'prod',
        region: aws.region,
        endpoints: { sts: `${at('aws')}/sts`, iam: `${at('aws')}/iam` },
        roles: [{ arn: aws.roleArn('deployer'), class: 'deploy' }],
      },
    ],
    vault: [
      {
        name: 'main',
        address: at('vault'),
        auth: { token: { file: './vault.token' } },
        policies: [{ name: 'ci-read', class: 'read' }],
      },
    ],
  },
})
const anything = `@id("anything") permit (principal, action, resource);`

let broker: TestBroker
let proxy: SandboxProxy
let environment: Record<string, string>
beforeAll(async () => {
  broker = await startTestBroker({ settings, files: { 'policies/any.cedar': anything, 'vault.token': '-' } })
  await broker.stop()
  const { issuer, github, aws, vault } = broker.sandbox
  issuer.settings.discovery = { issuer: at('issuer'), jwks_uri: `${at('issuer')}/jwks` }
  proxy = await startProxy(
    {
      [name('mayfly')]: broker.url,
      [name('issuer')]: issuer.url,
      [name('github')]: github.url,
      [name('aws')]: new URL(aws.endpoints.sts).origin,
      [name('vault')]: vault.url,
    },
    corporate,
  )
  await writeFile(join(broker.directory, 'vault.token'), vault.token)
  const ca = join(broker.directory, 'corp.pem')
  await writeFile(ca, corporate.cert)
  environment = {
    HTTPS_PROXY: proxy.url,
    NODE_EXTRA_CA_CERTS: ca,
    AWS_ACCESS_KEY_ID: aws.accessKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.accessKey.secretAccessKey,
  }
})
afterAll(async () => {
  await proxy.close()
  await broker[Symbol.asyncDispose]()
})
beforeEach(() => {
  proxy.asked.length = 0
  proxy.settings.login = undefined
  proxy.settings.refusal = undefined
})

const scopes = [
  'github:acme/web:contents=read',
  'aws:arn:aws:iam::123456789012:role/deployer',
  'vault:policies=ci-read',
]
/** The client reaches the broker through the proxy as well. */
const client = async () => ({
  MAYFLY_URL: at('mayfly'),
  MAYFLY_TOKEN: await broker.workload({ iss: at('issuer'), aud: at('mayfly') }),
  HTTPS_PROXY: proxy.url,
})

/** As the AWS SDKs do it. */
const askForKey = `
const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file } = process.env
const authorization = require('node:fs').readFileSync(file, 'utf8')
fetch(uri, { headers: { authorization } }).then((answer) => answer.json()).then((key) => console.log(key.AccessKeyId))`

describe('with HTTPS_PROXY and NODE_EXTRA_CA_CERTS', () => {
  it('issuer, GitHub, AWS, Vault and the broker are reached through it, by nothing else', async () => {
    const served = startMayfly(['serve', '-c', broker.file], environment)
    await served.printed('"listening"')
    const ca = ['--ca', environment['NODE_EXTRA_CA_CERTS']!]
    const line = ['run', '--purpose', 'a test', ...ca, ...scopes.flatMap((scope) => ['--scope', scope])]
    const script = 'echo "$GH_ENTERPRISE_TOKEN" "$("$NODE" -e "$ASK_FOR_KEY")" "$VAULT_TOKEN"'
    const environs = { ...(await client()), NODE: process.execPath, ASK_FOR_KEY: askForKey }
    const { status, stdout, stderr } = await mayfly([...line, '--', 'sh', '-c', script], environs)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^ghs_\S+ ASIA\S+ \S+\n$/)
    expect(new Set(proxy.asked)).toEqual(new Set(all.map((host) => `${host}:443`)))
    expect(broker.sandbox.ledger.alive()).toEqual([])
  })

  it('a client that does not know the CA is told so, and what to do', async () => {
    const { status, stderr } = await mayfly(['token', '--scope', scopes[0]!], await client())
    expect(status).toBe(1)
    expect(stderr).toMatch(/certificate comes from a CA that is not trusted here .*\n.*--ca/)
  })

  it('one that names no proxy finds nobody', async () => {
    const { HTTPS_PROXY: _, ...env } = await client()
    const { stderr } = await mayfly(['token', '--scope', scopes[0]!], env)
    expect(stderr).toMatch(/DNS .*\n.*HTTPS_PROXY/)
  })
})

describe('doctor', () => {
  const doctor = async (env: Record<string, string> = {}) => {
    const { stdout } = await mayfly(['doctor', '-c', broker.file, '--json'], { ...environment, ...env })
    const { checks } = JSON.parse(stdout) as { checks: { check: string; message: string; remedy?: string }[] }
    return checks.filter(({ check }) => /^(?:issuer|connection)/.test(check))
  }

  it('finds all of them through it, with the login that it wants', async () => {
    proxy.settings.login = 'mayfly:let me in'
    const url = proxy.url.replace('://', '://mayfly:let%20me%20in@')
    const found = await doctor({ HTTPS_PROXY: url })
    expect(found.filter((each) => 'status' in each && each.status === 'fault')).toEqual([])
    expect(JSON.stringify(found)).not.toContain('let me in')
  })

  it.each<[string, () => Record<string, string>, RegExp, RegExp]>([
    ['an unknown CA', () => ({ NODE_EXTRA_CA_CERTS: '' }), /a CA that is not trusted here/, /`ca:`/],
    ['no proxy', () => ({ HTTPS_PROXY: '' }), /DNS/, /HTTPS_PROXY/],
    [
      'a proxy that is not there',
      () => ({ HTTPS_PROXY: 'http://127.0.0.1:1' }),
      /refused.*by the proxy 127\.0\.0\.1:1/,
      /./,
    ],
    [
      'a proxy that wants a login',
      () => {
        proxy.settings.login = 'a:b'
        return {}
      },
      /refused with 407/,
      /HTTPS_PROXY/,
    ],
  ])('names the cause where it is %s, for each of them', async (_what, break_, words, remedy) => {
    const found = await doctor(break_())
    expect(found.length).toBeGreaterThanOrEqual(4)
    for (const check of found) {
      expect(check.message).toMatch(words)
      expect(check.remedy).toMatch(remedy)
    }
  })
})

it('a proxy that is none is a fault of the start', async () => {
  const { status, stderr } = await mayfly(['validate', '-c', broker.file], {
    ...environment,
    HTTPS_PROXY: 'socks5://proxy.corp',
  })
  expect(status).toBe(1)
  expect(stderr).toContain('HTTPS_PROXY is set, and is no proxy')
})

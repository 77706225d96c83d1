import { generateKeyPairSync } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { github } from '../../providers/github.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { manualClock } from '../support/clock.ts'
import { load, loadAgent, loadWith, onlyFault, refactorBot, settings } from '../support/installation.ts'

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs1', format: 'pem' })
  .toString()
const app = { name: 'acme', app_id: 1, private_key: { file: './app.pem' }, owners: ['acme'] }

describe('a sound configuration', () => {
  it('has the defaults of what it leaves out', async () => {
    const { configuration, faults, directory } = await load()
    expect(faults).toEqual([])
    expect(configuration).toMatchObject({
      url: 'https://mayfly.acme.example',
      listen: { host: '127.0.0.1', port: 8420 },
      trustedProxies: [],
      tls: undefined,
      store: { kind: 'sqlite', path: join(directory, 'mayfly.db') },
      limits: {
        requestsPerMinute: { agent: 1200, address: 6000 },
        failuresPerMinute: { address: 300 },
        liveLeases: { task: 50, agent: 500 },
        approvalWindow: 3600,
        bodyBytes: 65_536,
      },
      retention: { tasks: 90 * 86_400_000, audit: 400 * 86_400_000 },
      connections: [],
    })
  })

  it('has the seal key, its issuers by `iss`, its agents and its admins', async () => {
    const { configuration } = await load()
    expect(configuration!.sealKeys).toEqual([{ id: 'k1', secret: Buffer.alloc(32, 7) }])
    const issuer = configuration!.issuers.get('https://token.actions.githubusercontent.com')
    expect(issuer).toMatchObject({ name: 'github-actions', audiences: ['https://mayfly.acme.example'] })
    expect(configuration!.agents.get('refactor-bot')).toMatchObject({ maxTtl: 3600, reviewBy: '2027-06-30' })
    expect([...configuration!.admins]).toMatchObject([{ name: 'security', may: ['read', 'approve'] }])
  })

  it('cannot be changed', async () => {
    const { configuration } = await load()
    expect(() => Object.assign(configuration!.limits.liveLeases, { task: 1e9 })).toThrow(TypeError)
    expect(() => Object.assign(configuration!.agents.get('refactor-bot')!, { maxTtl: 1e9 })).toThrow(
      TypeError,
    )
    expect(() => (configuration!.trustedProxies as string[]).push('0.0.0.0')).toThrow(TypeError)
  })

  it('connects its providers, the retired ones too', async () => {
    const providers = { github: [app, { ...app, name: 'old', retired: true }] }
    const { configuration, faults } = await loadWith(
      { providers },
      { 'app.pem': pem },
      { providers: [github] },
    )
    expect(faults).toEqual([])
    expect(configuration!.connections).toMatchObject([
      {
        provider: { type: 'github' },
        name: 'acme',
        retired: false,
        terms: { host: 'github.com' },
        upstream: { revokesAtOnce: 1 },
      },
      {
        provider: { type: 'github' },
        name: 'old',
        retired: true,
        terms: { host: 'github.com' },
        upstream: { revokesAtOnce: 1 },
      },
    ])
  })

  it('compiles its policies, with the groups of its admins as approvers', async () => {
    const forbidUnless = (group: string) => `
      @id("ask") @approval("${group}") forbid (principal, action in Mayfly::Action::"write", resource)
      unless { context.approvals.contains("${group}") };`
    const withPolicy = (text: string) => load({ 'policies/ask.cedar': text }, { providers: [github] })
    const { configuration } = await withPolicy(forbidUnless('security'))
    expect(configuration!.policies.approvals).toEqual(new Map([['ask', 'security']]))
    expect(onlyFault(await withPolicy(forbidUnless('nobody')))).toMatchObject({ path: 'ask' })
  })

  it('takes a seal key from the environment', async () => {
    const key = Buffer.alloc(32, 9)
    const seal = { keys: [{ id: 'k1', secret: { env: 'MAYFLY_SEAL' } }] }
    const { configuration } = await loadWith({ seal }, {}, { env: { MAYFLY_SEAL: key.toString('base64') } })
    expect(configuration!.sealKeys[0]!.secret).toEqual(key)
  })

  it.each([
    ['[::1]:9000', { host: '::1', port: 9000 }],
    ['localhost:9000', { host: 'localhost', port: 9000 }],
    ['127.9.9.9:0', { host: '127.9.9.9', port: 0 }],
  ])('listens on %s without more', async (listen, compiled) => {
    expect((await loadWith({ listen })).configuration?.listen).toEqual(compiled)
  })

  it('may listen on a public address behind proxies', async () => {
    const loaded = await loadWith({ listen: '[::]:443', trusted_proxies: ['10.0.0.0/8', 'fd00::1'] })
    expect(loaded.configuration).toMatchObject({
      listen: { host: '::', port: 443 },
      trustedProxies: ['10.0.0.0/8', 'fd00::1'],
    })
  })

  it('takes a PostgreSQL URL, best as a secret', async () => {
    const url = 'postgres://mayfly:example@db.example/mayfly'
    const secret = await loadWith({ store: { env: 'DATABASE_URL' } }, {}, { env: { DATABASE_URL: url } })
    expect(secret.configuration?.store).toEqual({ kind: 'postgres', url })
    expect(secret.faults).toEqual([])
    const inline = await loadWith({ store: url })
    expect(inline.configuration?.store).toEqual({ kind: 'postgres', url })
    expect(inline.faults).toMatchObject([{ path: 'store', warning: true }])
  })

  it.each([
    ['postgres://mayfly@/mayfly?host=/run/postgresql', 'user=mayfly&host=/run/postgresql'],
    ['postgres://may%2Bfly:a%40b+c@:5433/mayfly', 'user=may%2Bfly&password=a%40b%2Bc&port=5433'],
    ['postgres://mayfly@/mayfly?user=other', 'user=other'],
  ])('takes %s, whose host is left out, as parameters say it', async (written, parameters) => {
    const { configuration, faults } = await loadWith(
      { store: { env: 'DATABASE_URL' } },
      {},
      { env: { DATABASE_URL: written } },
    )
    expect(faults).toEqual([])
    const { protocol, host, pathname, searchParams } = new URL((configuration!.store as { url: string }).url)
    expect({ protocol, host, pathname }).toEqual({ protocol: 'postgres:', host: '', pathname: '/mayfly' })
    expect(Object.fromEntries(searchParams)).toEqual(Object.fromEntries(new URLSearchParams(parameters)))
  })

  it.each(['postgres://mayfly:example@/mayfly', 'postgres:///mayfly?user=mayfly&password=example'])(
    'warns of the password in %s',
    async (store) => {
      expect((await loadWith({ store })).faults).toMatchObject([
        { message: 'holds a password', warning: true },
      ])
    },
  )
})

describe('a warning', () => {
  it('is given for a secret that others can read', async () => {
    const { directory } = await load()
    chmodSync(join(directory, 'seal.key'), 0o644)
    const { configuration, faults } = await loadConfiguration(join(directory, 'mayfly.yaml'), {
      providers: [],
      env: {},
      clock: manualClock(),
    })
    expect(configuration).toBeDefined()
    expect(faults).toMatchObject([
      { path: 'seal.keys[0].secret', warning: true, remedy: expect.stringContaining('chmod 600') },
    ])
  })

  it('is given for an agent whose review date has passed', async () => {
    const { configuration, faults } = await loadAgent({ review_by: '2026-11-01' })
    expect(configuration).toBeDefined()
    expect(faults).toMatchObject([{ path: 'review_by', warning: true }])
  })

  it('is given where an admin could also be a workload', async () => {
    const admin = { name: 'ops', issuer: 'github-actions', claims: { repository_owner_id: 7 }, may: ['read'] }
    const { configuration, faults } = await loadWith({ admins: [admin] })
    expect(configuration).toBeDefined()
    expect(faults).toMatchObject([
      { path: 'admins[0]', warning: true, message: expect.stringContaining('refactor-bot') },
    ])
    const apart = await loadWith({ admins: [{ ...admin, audience: 'mayfly-console' }] })
    expect(apart.faults).toEqual([])
  })

  it('is given where one token may match two agents', async () => {
    const other = (match: object) => ({
      'agents/z.yaml': { ...refactorBot, name: 'z', match: [{ issuer: 'github-actions', ...match }] },
    })
    const { configuration, faults } = await load(other({ subject: 'repo:acme/*:pull_request' }))
    expect(configuration).toBeDefined()
    expect(faults).toMatchObject([
      { path: 'match[0]', warning: true, message: expect.stringContaining('may match refactor-bot too') },
    ])
    expect((await load(other({ subject: 'repo:acme/api:pull_request' }))).faults).toEqual([])
  })
})

describe('faults', () => {
  it('are all reported at once, each with its file, its place and a remedy', async () => {
    const { configuration, faults, directory } = await load({
      'mayfly.yaml': {
        ...settings,
        listn: '127.0.0.1:1',
        url: 'ftp://mayfly',
        limits: { body_bytes: 1 },
        issuers: { okta: { issuer: 'https://acme.okta.example', tenancy: 'single', audiance: 'x' } },
        admins: [{ name: 'security', issuer: 'octa', subject: 'x', may: ['aprove'] }],
        providers: { gitbub: [] },
      },
      'agents/refactor-bot.yaml': { ...refactorBot, max_ttl: 0, match: [] },
      'policies/broken.cedar': 'permit (principal',
    })
    expect(configuration).toBeUndefined()
    expect(faults.map(({ file, path }) => `${file.slice(directory.length + 1)} ${path}`)).toEqual(
      expect.arrayContaining([
        'mayfly.yaml listn',
        'mayfly.yaml url',
        'mayfly.yaml limits.body_bytes',
        'mayfly.yaml issuers.okta.audiance',
        'mayfly.yaml admins[0].may[0]',
        'mayfly.yaml providers.gitbub',
        'agents/refactor-bot.yaml max_ttl',
        'agents/refactor-bot.yaml match',
        expect.stringContaining('policies/broken.cedar'),
      ]),
    )
    for (const { message, remedy } of faults) {
      expect(message).toMatch(/^[^\n]+$/)
      expect(remedy).toMatch(/^[^\n]+$/)
    }
  })

  it.each<[string, object]>([
    ['url', { url: 'https://mayfly.acme.example/' }],
    ['url', { url: 'https://mayfly.acme.example/path' }],
    ['url', { url: 'http://mayfly.acme.example' }],
    ['url', { url: undefined }],
    ['listen', { listen: ':8420' }],
    ['listen', { listen: 'mayfly.acme.example:8420' }],
    ['listen', { listen: '127.0.0.1:70000' }],
    ['trusted_proxies[0]', { trusted_proxies: ['0.0.0.0/0'] }],
    ['trusted_proxies[0]', { trusted_proxies: ['proxy.example'] }],
    ['store', { store: 'mysql://db' }],
    ['store', { store: 'sqlite::memory:' }],
    ['retention.tasks', { retention: { tasks: '90 days' } }],
    ['retention.audit', { retention: { audit: '59m' } }],
    ['limits.live_leases.task', { limits: { live_leases: { task: 0 } } }],
    ['seal.keys', { seal: { keys: [] } }],
    ['seal.keys[0].secret', { seal: { keys: [{ id: 'k1', secret: { file: './nowhere' } }] } }],
    ['seal.keys[0].secret', { seal: { keys: [{ id: 'k1', secret: { env: 'NOT_SET' } }] } }],
    ['seal.keys[0].secret', { seal: { keys: [{ id: 'k1', secret: { file: './mayfly.yaml' } }] } }],
    ['seal.keys[0].id', { seal: { keys: [{ id: 'k.1', secret: { file: './seal.key' } }] } }],
    ['agents', { agents: './nowhere' }],
    ['policies', { policies: './nowhere' }],
    ['tls.cert', { tls: { cert: './nowhere', key: './seal.key' } }],
    ['tls.key', { tls: { cert: './seal.key', key: './nowhere' } }],
    ['tls', { tls: { cert: './seal.key', key: './seal.key' } }],
    [
      'issuers.own.ca',
      {
        issuers: {
          ...settings.issuers,
          own: { issuer: 'https://own.example', tenancy: 'single', ca: './seal.key' },
        },
      },
    ],
    ['admins[1].name', { admins: [settings.admins[0], settings.admins[0]] }],
    ['admins[0].issuer', { admins: [{ ...settings.admins[0], issuer: 'octa' }] }],
    ['admins[0]', { admins: [{ ...settings.admins[0], claims: {} }] }],
  ])('at %s: %j', async (path, changes) => {
    expect(onlyFault(await loadWith(changes)).path).toBe(path)
  })

  it.each<[string, object[]]>([
    ['providers.github[0].app_id', [{ ...app, app_id: 'one' }]],
    ['providers.github[0].retird', [{ ...app, retird: true }]],
    ['providers.github[0].name', [{ ...app, name: undefined }]],
    ['providers.github[1].name', [app, app]],
    ['providers.github[0].private_key', [{ ...app, private_key: { file: './nowhere' } }]],
    ['providers.github[0].ca', [{ ...app, ca: './nowhere' }]],
    ['providers.github[0]', [{ ...app, private_key: { file: './seal.key' } }]],
  ])('of a connection, at %s', async (path, entries) => {
    const loaded = await loadWith(
      { providers: { github: entries } },
      { 'app.pem': pem },
      { providers: [github] },
    )
    expect(onlyFault(loaded).path).toBe(path)
  })

  it("suggest the key that was meant, the broker's own too", async () => {
    const providers = { github: [{ ...app, retird: true }] }
    const loaded = await loadWith({ providers }, { 'app.pem': pem }, { providers: [github] })
    expect(onlyFault(loaded).remedy).toBe('Did you mean `retired`?')
  })

  it('name a file that would be taken for an agent and is not read', async () => {
    const fault = onlyFault(await load({ 'agents/other.yml': refactorBot }))
    expect(fault).toMatchObject({
      file: expect.stringMatching(/other\.yml$/),
      remedy: expect.stringContaining('.yaml'),
    })
  })

  it('name a directory of policies that would not be read', async () => {
    const fault = onlyFault(await load({ 'policies/more/forbid.cedar': '' }))
    expect(fault.file).toMatch(/more$/)
  })

  it('name a configuration that does not exist', async () => {
    const fault = onlyFault(await load({ 'mayfly.yaml': undefined }))
    expect(fault).toMatchObject({ path: '', message: 'the file does not exist' })
  })
})

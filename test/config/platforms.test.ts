/** Issuers as data: what a preset says, and whose workloads an issuer signs for. */
import { describe, expect, it } from 'vitest'
import { presets } from '../../src/identity/platforms.ts'
import { loadWith, loadAgent, onlyFault, settings } from '../support/installation.ts'

const withIssuer = (ci: Record<string, unknown>, match: object = { claims: { repository: 'acme/web' } }) =>
  loadWith(
    { issuers: { ...settings.issuers, ci } },
    {
      'agents/ci.yaml': {
        name: 'ci-bot',
        owner: 'ada@acme.example',
        purpose: 'Builds',
        environment: 'dev',
        review_by: '2027-06-30',
        max_ttl: 3600,
        match: [{ issuer: 'ci', ...match }],
      },
    },
  )

describe('a preset', () => {
  it('is there for every platform that is documented', () => {
    expect(presets).toEqual(
      expect.arrayContaining(
        'github-actions gitlab buildkite circleci bitbucket hcp-terraform kubernetes google aws-outbound azure cursor warp devin copilot spiffe'.split(
          ' ',
        ),
      ),
    )
  })

  it('brings its issuer', async () => {
    const { configuration, faults } = await withIssuer(
      { preset: 'buildkite' },
      { claims: { organization_id: 'o' } },
    )
    expect(faults).toEqual([])
    expect(configuration!.issuers.get('https://agent.buildkite.com')).toMatchObject({
      name: 'ci',
      singleUse: true,
      session: ['job_id', 'build_number'],
    })
  })

  it('says where a job has one token for all that it does, and what is written comes first', async () => {
    const issuer = async (more: object) => {
      const { configuration } = await withIssuer(
        { preset: 'gitlab', ...more },
        { claims: { project_id: '1' } },
      )
      return configuration!.issuers.get('https://gitlab.com')
    }
    expect(await issuer({})).toMatchObject({ singleUse: false, maxAge: 3600 })
    expect(await issuer({ single_use: true, max_age: 60 })).toMatchObject({ singleUse: true, maxAge: 60 })
  })

  it('asks for the issuer where every tenant has its own', async () => {
    const loaded = await withIssuer({ preset: 'kubernetes' })
    expect(onlyFault(loaded)).toMatchObject({ path: 'issuers.ci.issuer' })
  })

  it('of SPIFFE asks for the bundle', async () => {
    const loaded = await withIssuer({ preset: 'spiffe', issuer: 'spiffe://acme.dev' })
    expect(onlyFault(loaded)).toMatchObject({ path: 'issuers.ci.jwks_uri' })
  })
})

describe('an issuer', () => {
  it('that is not known has to say whose workloads it signs for', async () => {
    expect(onlyFault(await withIssuer({ issuer: 'https://ci.acme.example' }))).toMatchObject({
      path: 'issuers.ci.tenancy',
    })
    expect((await withIssuer({ issuer: 'https://ci.acme.example', tenancy: 'single' })).faults).toEqual([])
  })

  it.each([
    ['https://token.actions.githubusercontent.com', 'single'],
    ['https://token.actions.githubusercontent.com', ['actor']],
    ['https://gitlab.com', 'single'],
    ['https://api.cursor.com', 'single'],
  ])('%s is everybody’s, and tenancy %j does not make it one tenant’s', async (issuer, tenancy) => {
    const rule = { claims: { ref: 'refs/heads/main' } }
    const { faults } = await withIssuer({ issuer, tenancy }, rule)
    expect(faults).toContainEqual(expect.objectContaining({ path: 'issuers.ci.tenancy' }))
  })

  it('whose tenants claims tell apart takes rules that name one', async () => {
    const many = { issuer: 'https://ci.acme.example', tenancy: ['org_id', '/org/id'] }
    expect(onlyFault(await withIssuer(many)).path).toBe('match[0]')
    expect(onlyFault(await withIssuer(many, { claims: { org_id: '1*' } })).path).toBe('match[0]')
    expect((await withIssuer(many, { claims: { org_id: '12' } })).faults).toEqual([])
    expect((await withIssuer(many, { claims: { org: { id: '12' } } })).faults).toEqual([])
  })

  it.each([
    ['https://api.cursor.com', { claims: { repository: '*/web' } }],
    ['https://api.cursor.com', { claims: { repository: 'acme/web' } }],
    ['https://app.warp.dev', { claims: { repository: '*/web' } }],
  ])('%s signs for other customers too: %j is refused', async (issuer, match) => {
    expect(onlyFault(await withIssuer({ issuer }, match)).path).toBe('match[0]')
  })

  it.each([
    ['https://api.cursor.com', { claims: { team_id: '7', repository: 'acme/web' } }],
    ['https://app.warp.dev', { subject: 'scoped_principal:TEAM/*' }],
    ['https://oidc.circleci.com/org/12', { subject: 'org/12/project/3/*' }],
    ['https://acme.okta.com/oauth2/default', { claims: { groups: 'ci' } }],
  ])('%s takes %j', async (issuer, match) => {
    const { faults } = await withIssuer({ issuer }, match)
    expect(faults.filter(({ warning }) => !warning)).toEqual([])
  })

  it('whose tokens a job gets once is warned of single use', async () => {
    const { faults } = await withIssuer({ issuer: 'https://gitlab.com' }, { claims: { project_id: '1' } })
    expect(faults).toMatchObject([{ path: 'issuers.ci.single_use', warning: true }])
  })
})

describe('a claim inside an object', () => {
  it.each([['kubernetes.io'], ['realm_access']])(
    'is not matched by %s alone: the rule is a fault',
    async (claim) => {
      const loaded = await loadAgent({ match: [{ issuer: 'okta', claims: { [claim]: 'prod' } }] })
      expect(onlyFault(loaded).path).toBe(`match[0].claims.${claim}`)
    },
  )
})

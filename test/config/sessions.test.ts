/** The claims that name a session, as an issuer's entry or its platform has them. */
import { expect, test } from 'vitest'
import { recordedPrincipal } from '../../src/identity/principal.ts'
import { sessionOf, tokenOf } from '../../src/identity/session.ts'
import { loadWith, refactorBot, settings } from '../support/installation.ts'

const principal = (iss: string, claims: Record<string, unknown>) =>
  recordedPrincipal({ issuer: 'ci', iss, subject: 'someone', claims: { sub: 'someone', ...claims } })

const job = { run_id: '11', run_attempt: '1', check_run_id: '99' }

test.each<[string, string, Record<string, unknown>, Record<string, string>]>([
  ['GitHub Actions', 'https://token.actions.githubusercontent.com', { ...job, actor: 'ada' }, job],
  [
    'an enterprise of GitHub',
    'https://token.actions.githubusercontent.com/acme',
    { run_id: '11', run_attempt: '1' },
    { run_id: '11', run_attempt: '1' },
  ],
  ['GitHub Enterprise Server', 'https://ghe.acme.example/_services/token', job, job],
  ['GitLab', 'https://gitlab.com', { pipeline_id: '5', job_id: '6' }, { pipeline_id: '5', job_id: '6' }],
  [
    'a GitLab of one’s own',
    'https://git.acme.example',
    { pipeline_id: '5', job_id: '6', namespace_id: '7' },
    { pipeline_id: '5', job_id: '6' },
  ],
  [
    'Buildkite',
    'https://agent.buildkite.com',
    { job_id: 'j', build_number: 5 },
    { job_id: 'j', build_number: '5' },
  ],
  [
    'CircleCI',
    'https://oidc.circleci.com/org/0a1b',
    { 'oidc.circleci.com/pipeline-id': 'p' },
    { 'oidc.circleci.com/pipeline-id': 'p' },
  ],
  [
    'Bitbucket',
    'https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc',
    { pipelineUuid: '{p}', stepUuid: '{s}' },
    { pipelineUuid: '{p}', stepUuid: '{s}' },
  ],
  ['HCP Terraform', 'https://app.terraform.io', { terraform_run_id: 'run-1' }, { terraform_run_id: 'run-1' }],
  [
    'Kubernetes',
    'https://k8s.acme.example',
    { 'kubernetes.io': { namespace: 'ci', pod: { name: 'p', uid: 'u-1' } } },
    { '/kubernetes.io/pod/uid': 'u-1' },
  ],
  ['Cursor', 'https://api.cursor.com', { sub: 'cloud_agent_id:7' }, { sub: 'cloud_agent_id:7' }],
  ['Warp', 'https://app.warp.dev', { run_id: 'r' }, { run_id: 'r' }],
  ['Devin', 'https://app.devin.example', { devin_id: 'd', org_id: 'o' }, { devin_id: 'd' }],
])('%s', (_name, iss, claims, expected) => {
  expect(sessionOf(principal(iss, claims))).toEqual({ issuer: iss, claims: expected })
})

test('an unknown issuer names none, but in the claims that its entry says; a list or an object names none', () => {
  const iss = 'https://ci.acme.example'
  expect(sessionOf(principal(iss, { build: 'b' }))).toBeUndefined()
  const named = ['build', '/nested/id', 'absent', 'list']
  const claims = { build: 'b', nested: { id: 7 }, list: ['a'] }
  expect(sessionOf(principal(iss, claims), named)).toEqual({
    issuer: iss,
    claims: { build: 'b', '/nested/id': '7' },
  })
})

test('then all that can be told apart are tokens', () => {
  expect(tokenOf(principal('https://x.example', { jti: 'j', iat: 1 }))?.claims).toEqual({ jti: 'j' })
  expect(tokenOf(principal('https://x.example', { iat: 1, exp: 2 }))?.claims).toEqual({
    sub: 'someone',
    iat: '1',
    exp: '2',
  })
})

test('`session` of an issuer, and what is no list of claims', async () => {
  const issuers = (session: unknown) => ({
    issuers: { ...settings.issuers, ci: { issuer: 'https://ci.acme.example', tenancy: 'single', session } },
  })
  const { configuration } = await loadWith(issuers(['build', '/nested/id']))
  expect(configuration?.issuers.get('https://ci.acme.example')?.session).toEqual(['build', '/nested/id'])
  for (const session of [[], 'build', [''], [7], Array.from({ length: 9 }, (_, at) => `c${at}`)]) {
    const { configuration: none, faults } = await loadWith(issuers(session))
    expect(none).toBeUndefined()
    expect(faults[0]?.path).toMatch(/^issuers\.ci\.session/)
  }
})

test('`reopen: false` on an issuer whose tokens name no session is a warning', async () => {
  const agent = (issuer: string, reopen: boolean) => ({
    'agents/refactor-bot.yaml': { ...refactorBot, reopen, match: [{ issuer, subject: 'repo:acme/web:x' }] },
  })
  const issuers = {
    ...settings.issuers,
    ci: { issuer: 'https://ci.acme.example', tenancy: 'single' },
    known: { issuer: 'https://other.acme.example', tenancy: 'single', session: ['build'] },
  }
  const paths = async (issuer: string, reopen = false) =>
    (await loadWith({ issuers }, agent(issuer, reopen))).faults.map(({ path }) => path)
  expect(await paths('ci')).toEqual(['match[0].issuer'])
  expect(await paths('ci', true)).toEqual([])
  expect(await paths('known')).toEqual([])
  expect(await paths('github-actions')).toEqual([])
})

import { describe, expect, it } from 'vitest'
import { platformAt } from '../../src/identity/platforms.ts'
import { tenancyFault } from '../../src/agents/tenancy.ts'
import { rule } from '../support/principal.ts'

const github = 'https://token.actions.githubusercontent.com'
const gitlab = 'https://gitlab.com'
const buildkite = 'https://agent.buildkite.com'
const terraform = 'https://app.terraform.io'
const google = 'https://accounts.google.com'

const named: [string, object][] = [
  [github, { claims: { repository: ['acme/web', 'acme/api'] } }],
  [github, { subject: 'repo:acme@65/web@123:ref:refs/heads/main' }],
  [github, { subject: 'repo:*@65/*:ref:refs/heads/main' }],
  [github, { subject: 'repo:*/*@123:ref:refs/heads/main' }],
  [github, { claims: { sub: 'repo:*@65/*@123:environment:prod' } }],
  [github, { subject: 'repo:acme/*:ref:refs/heads/main' }],
  [github, { subject: 'repo:acme@12/web@34:ref:refs/heads/main' }],
  [github, { subject: 'repository_owner_id:12:environment:*' }],
  [github, { claims: { repository: 'acme/*' } }],
  [github, { claims: { repository_id: 34 } }],
  [github, { subject: '*', claims: { repository_owner: 'acme' } }],
  [github, { claims: { sub: 'repo:acme/web:*' } }],
  [gitlab, { subject: 'project_path:acme/web:ref_type:branch:ref:main' }],
  [gitlab, { claims: { namespace_path: 'acme/*' } }],
  [buildkite, { subject: 'organization:acme:pipeline:*' }],
  [buildkite, { claims: { organization_id: '0184990a-477b-4fa8-9968-496074483cee' } }],
  [terraform, { subject: 'organization:acme:project:*:workspace:*:run_phase:apply' }],
  ['https://oidc.codefresh.io', { subject: 'account:12:*' }],
  ['https://oidc.vercel.com', { claims: { owner_id: 'team_12' } }],
  ['https://api.pulumi.com/oidc', { subject: 'pulumi:deploy:org:acme:*' }],
  [google, { subject: '113774264463038321964' }],
  [google, { claims: { hd: 'acme.example' } }],
]

const anyones: [string, object][] = [
  [github, { subject: 'repo:*/web:ref:refs/heads/main' }],
  [github, { subject: 'repo:acme*/web:ref:refs/heads/main' }],
  [github, { subject: 'repo:acme*' }],
  [github, { subject: 'environment:production' }],
  [github, { subject: 'repository_owner:ac*' }],
  [github, { claims: { ref: 'refs/heads/main' } }],
  [github, { claims: { repository: '*/web' } }],
  [github, { claims: { repository_owner: 'acme*' } }],
  [github, { claims: { repository: ['acme/web', '*/web'] } }],
  [github, { claims: { repository: '**' } }],
  [github, { subject: 'repo:**' }],
  [github, { subject: 'repo:*@1*/*@12*:ref:refs/heads/main' }],
  [github, { subject: 'repo:*@*/web@*:ref:refs/heads/main' }],
  [github, { claims: { repository_id: '12*' } }],
  [github, { claims: { job_workflow_ref: 'acme/flows/.github/workflows/x.yml@main' } }],
  [github, { claims: { actor_id: '12' } }],
  [github, { claims: { constructor: 'acme/web' } }],
  [gitlab, { subject: 'project_path:*/web:*' }],
  [gitlab, { claims: { namespace_path: 'acme*' } }],
  [gitlab, { claims: { user_login: 'alice' } }],
  [buildkite, { subject: 'organization:*:pipeline:web' }],
  [buildkite, { claims: { pipeline_slug: 'web' } }],
  [terraform, { claims: { terraform_workspace_name: 'web' } }],
  ['https://oidc.vercel.com', { subject: 'owner:*:project:web' }],
  ['https://api.pulumi.com/oidc', { subject: 'pulumi:deploy:org:*' }],
  [google, { subject: '1137742644*' }],
  [google, { claims: { email: 'alice@acme.example' } }],
]

const faultOf = (issuer: string, written: Parameters<typeof rule>[0]) =>
  tenancyFault(platformAt(issuer)!.tenancy, 'it', rule(written))

describe('on an issuer that signs for everyone', () => {
  it.each(named)('%s: %j says whose workload it is', (issuer, written) => {
    expect(faultOf(issuer, written)).toBeUndefined()
  })

  it.each(anyones)('%s: %j could be anyone', (issuer, written) => {
    expect(faultOf(issuer, written)?.message).toContain('signs for everyone')
  })
})

it("on an issuer of one's own, any rule says whose workload it is", () => {
  expect(tenancyFault('single', 'the issuer gitlab', rule({ subject: '*' }))).toBeUndefined()
})

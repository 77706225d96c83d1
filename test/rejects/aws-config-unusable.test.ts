import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'

const arn = 'arn:aws:iam::123456789012:role/deployer'
const good = { name: 'prod', region: 'eu-west-1', roles: [{ arn, class: 'deploy' }] }
const role = (change: object) => ({ roles: [{ arn, class: 'deploy', ...change }] })

test.each([
  ['an unknown key', { accesskey: 'x' }],
  ['no name', { name: '' }],
  ['no region', { region: undefined }],
  ['a region that is a host', { region: 'eu-west-1.example.com/' }],
  ['another way to revoke', { revocation: 'delete-role' }],
  ['plain http to another machine', { endpoints: { sts: 'http://sts.acme.dev' } }],
  ['a query in an endpoint', { endpoints: { iam: 'https://iam.acme.dev/?x' } }],
  ['a user in an endpoint', { endpoints: { sts: 'https://user@sts.acme.dev' } }],
  ['an endpoint of another service', { endpoints: { s3: 'https://s3.acme.dev' } }],
  ['a web identity that is not a role', { web_identity: { role_arn: 'mayfly' } }],
  ['an empty web identity', { web_identity: {} }],
  ['no roles', { roles: [] }],
  ['a role twice', { roles: [good.roles[0], { arn, class: 'read' }] }],
  ['a role without a class', { roles: [{ arn }] }],
  ['a role with a class of its own', role({ class: 'root' })],
  ['a user for a role', role({ arn: 'arn:aws:iam::123456789012:user/ada' })],
  ['a wildcard for a role', role({ arn: 'arn:aws:iam::123456789012:role/*' })],
  ['a role of an account that cannot exist', role({ arn: 'arn:aws:iam::1234:role/deployer' })],
  ['a session for a role', role({ arn: 'arn:aws:sts::123456789012:assumed-role/deployer/x' })],
  ['an external id of one character', role({ external_id: 'x' })],
  ['an external id with a line break', role({ external_id: 'acme\n42' })],
  ['sessions shorter than any role has', role({ max_session_duration: 900 })],
  ['sessions longer than any role has', role({ max_session_duration: 43_201 })],
  ['an unknown key in a role', role({ externalid: 'acme' })],
])('a connection with %s is refused', (_, change) => {
  expect(aws.config.safeParse(good).success).toBe(true)
  expect(aws.config.safeParse({ ...good, ...change }).success).toBe(false)
})

/** What `mayfly doctor` says of engines that take nothing back. */
import { expect, test } from 'vitest'
import { connectVault } from '../support/vault-sandbox.ts'

const diagnose = (upstream: ReturnType<typeof connectVault>) =>
  upstream.connection.diagnose!({ mightPermit: () => undefined, signal: new AbortController().signal })

test.each([
  ['aws/creds/session', 'immediate', 'lives on'],
  ['aws/sts/federated', 'immediate', 'lives on'],
  ['kubernetes/creds/existing', 'immediate', 'lives on'],
  ['aws/creds/user', 'expiry', 'can be taken back at once'],
  ['kubernetes/creds/made', 'expiry', 'can be taken back at once'],
])('an engine that says of %s, declared %s, that it %s is a fault', async (path, revocation, message) => {
  const paths = [{ path, class: 'deploy', policies: ['aws-deploy'], revocation }]
  const upstream = connectVault({ config: { paths } })
  expect(await diagnose(upstream)).toMatchObject([
    { status: 'fault', message: expect.stringContaining(`${path} ${message}`) as string },
  ])
  delete upstream.sandbox.settings.policies['broker']!['aws/roles/+']
  delete upstream.sandbox.settings.policies['broker']!['kubernetes/roles/+']
  expect(await diagnose(upstream)).toMatchObject([{ status: 'ok' }])
})

test.each([
  ['aws/creds/session', 'expiry'],
  ['aws/creds/user', 'immediate'],
  ['kubernetes/creds/existing', 'expiry'],
  ['kubernetes/creds/made', 'immediate'],
  ['aws/creds/none-such', 'immediate'],
])('one that says of %s, declared %s, what the configuration does is fine', async (path, revocation) => {
  const paths = [{ path, class: 'deploy', policies: ['aws-deploy'], revocation }]
  expect(await diagnose(connectVault({ config: { paths } }))).toMatchObject([{ status: 'ok' }])
})

test.each([
  ['iam_user,federation_token', 'creds', 'immediate'],
  ['iam_user,federation_token', 'sts', 'expiry'],
  [['session_token'], 'creds', 'expiry'],
])('of a role of the types %j the path %s is %s', async (credential_type, kind, truth) => {
  const revocation = truth === 'expiry' ? 'immediate' : 'expiry'
  const paths = [{ path: `cloud/aws/${kind}/old`, class: 'deploy', policies: ['aws-deploy'], revocation }]
  const upstream = connectVault({ config: { paths } })
  const on = ({ path }: { path: string }) => path === '/v1/cloud/aws/roles/old'
  upstream.faults.add({ kind: 'status', status: 200, body: { data: { credential_type } }, on })
  expect(await diagnose(upstream)).toMatchObject([{ status: 'fault' }])
})

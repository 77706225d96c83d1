/** What a session may do, whatever its role may. */
import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { connect } from '../../providers/aws/connect.ts'
import { longestFor, sessionPolicy } from '../../providers/aws/session-policy.ts'
import { vendingActions } from '../../providers/aws/vending.ts'
import type { Minted } from '../../src/provider/upstream.ts'
import type { AwsCredential } from '../../src/sandbox/aws/sign.ts'
import { connectAws, deployer, deploys, readsBucket } from '../support/aws-sandbox.ts'

const upstream = await connectAws()
const { sandbox, clock } = upstream
const call = (minted: Minted, action: string) =>
  sandbox.call(minted.credential as unknown as AwsCredential, action)
const narrowed = (actions: string[], resources = ['*']) =>
  aws.detail.parse({ type: 'aws', role_arn: deployer, actions, resources })

test.each([
  'sts:AssumeRole',
  'sts:AssumeRoleWithWebIdentity',
  'sts:AssumeRoot',
  'sts:GetFederationToken',
  'sts:GetSessionToken',
  'sts:GetServiceBearerToken',
  'sts:GetWebIdentityToken',
  'sts:GetDelegatedAccessToken',
  'sts:TagSession',
  'sts:SetSourceIdentity',
  'iam:PassRole',
  'iam:CreateAccessKey',
  'iam:DeleteRolePolicy',
  'signin:CreateOAuth2Token',
  's3:GetDataAccess',
  's3express:CreateSession',
  'lakeformation:GetTemporaryGlueTableCredentials',
  'lakeformation:GetTemporaryDataLocationCredentials',
  'eks-auth:AssumeRoleForPodIdentity',
  'cognito-identity:GetCredentialsForIdentity',
  'cognito-identity:GetOpenIdTokenForDeveloperIdentity',
  'sso:GetRoleCredentials',
  'sso-oauth:CreateTokenWithIAM',
  'rolesanywhere:CreateProfile',
  'rolesanywhere:CreateSession',
  'redshift:GetClusterCredentials',
  'redshift:GetClusterCredentialsWithIAM',
  'redshift-serverless:GetCredentials',
  'codeartifact:GetAuthorizationToken',
  'ecr:GetAuthorizationToken',
  'ecr-public:GetAuthorizationToken',
  'datazone:GetEnvironmentCredentials',
  'elasticmapreduce:GetClusterSessionCredentials',
  'elasticmapreduce:CreateStudioPresignedUrl',
  'emr-containers:GetManagedEndpointSessionCredentials',
  'sagemaker:CreatePresignedDomainUrl',
  'sagemaker:CreatePresignedNotebookInstanceUrl',
  'ssm:CreateActivation',
  'connect:GetFederationToken',
  'gamelift:RequestUploadCredentials',
  'gamelift:GetInstanceAccess',
  'codepipeline:PollForJobs',
  'deadline:AssumeQueueRoleForUser',
  'lightsail:GetInstanceAccessDetails',
  'iot:AssumeRoleWithCertificate',
  'iot:CreateKeysAndCertificate',
  'airflow:CreateCliToken',
  'grafana:CreateWorkspaceServiceAccountToken',
])(
  '%s is denied where nothing is narrowed, and where everything of its service is asked for',
  async (action) => {
    const service = `${action.split(':')[0]!}:*`
    expect(await call(await upstream.mint(), action)).toBe(403)
    expect(await call(await upstream.mint(narrowed([service])), action)).toBe(403)
    expect(await call(await upstream.mint(narrowed([service.toUpperCase()])), action)).toBe(403)
  },
)

test.each([
  'sts:GetCallerIdentity',
  'sts:GetAccessKeyInfo',
  's3:GetObject',
  'ecr:BatchGetImage',
  'ssm:GetParameter',
])('%s is not', async (action) => expect(await call(await upstream.mint(), action)).toBe(200))

test('a role may be let have single calls of the list, and no other role with it', async () => {
  const roles = [
    { arn: deployer, class: 'deploy', vending: ['ecr:GetAuthorizationToken'] },
    { arn: 'arn:aws:iam::123456789012:role/other', class: 'deploy' },
  ]
  const { connection, ...other } = await connectAws({ config: { roles } })
  const minted = await other.mint(deploys, 900, connection)
  const does = (action: string) => other.sandbox.call(minted.credential as unknown as AwsCredential, action)
  expect(await does('ecr:GetAuthorizationToken')).toBe(200)
  expect(await does('ecr-public:GetAuthorizationToken')).toBe(403)
  expect(await does('sts:AssumeRole')).toBe(403)
})

test('what is asked is all that is allowed', () => {
  const { actions, resources } = readsBucket
  const { Statement } = JSON.parse(sessionPolicy(readsBucket, { end: 0 })) as { Statement: object[] }
  expect(Statement[0]).toEqual({ Effect: 'Allow', Action: actions, Resource: resources })
  expect(Statement.slice(1)).toMatchObject([{ Effect: 'Deny' }, { Effect: 'Deny' }])
})

test('a session that is not narrowed fits, and narrowing has most of the room', () => {
  expect(longestFor({})).toBeLessThanOrEqual(2048)
  const buckets = Array.from({ length: 24 }, (_, n) => `arn:aws:s3:::acme-releases-${n}-eu-west-1/*`)
  expect(narrowed(['s3:GetObject', 's3:ListBucket', 's3:PutObject'], buckets)).toBeDefined()
  for (const vending of vendingActions)
    expect(longestFor({ actions: [vending], resources: ['*'] })).toBeLessThan(600)
})

test('a session can do nothing after its task, however long AWS lets it live', async () => {
  const minted = await upstream.mint(deploys, 60)
  expect(await upstream.use(minted, 'bucket/key', 'text')).toBe(200)
  await clock.advance(60_000)
  expect(await upstream.use(minted)).toBe(200)
  await clock.advance(1_000)
  expect(await upstream.use(minted)).toBe(403)
  expect(minted.expiresAt).toBeGreaterThan(clock.now())
})

test('nor can a console session that was made with it', async () => {
  const minted = await upstream.mint(deploys, 60)
  const console = await sandbox.signIn(minted.credential as unknown as AwsCredential, 43_200)
  expect(await sandbox.use(console, 'bucket/key', 'text')).toBe(200)
  await clock.advance(61_000)
  expect(await sandbox.use(console, 'bucket/key')).toBe(403)
})

test("the end is by AWS's clock", async () => {
  const late = await connectAws()
  const behind = { ...late.clock, now: () => late.clock.now() - 120_000 }
  const other = connect(late.config, { ...late.context, clock: behind })
  const intent = () => ({
    ...late.intentOf(deploys),
    createdAt: behind.now(),
    deadline: behind.now() + 60_000,
  })
  const patient = { signal: new AbortController().signal }
  // The first answer tells the time.
  await other.mint(deploys, intent(), patient)
  const minted = await other.mint(deploys, intent(), patient)
  expect(await late.use(minted, 'bucket/key', 'text')).toBe(200)
  await late.clock.advance(62_000)
  expect(await late.use(minted)).toBe(403)
})

/** AWS's strict local counterpart, and connections to it. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { connect } from '../../providers/aws/connect.ts'
import { policyName } from '../../providers/aws/enforce.ts'
import type { AwsConfig } from '../../providers/aws/config.ts'
import type { AwsDetail } from '../../providers/aws/detail.ts'
import type { ConnectionContext, Handle, Intent, Minted, Upstream } from '../../src/provider/upstream.ts'
import { startAws, type AwsSettings, type SandboxAws } from '../../src/sandbox/aws.ts'
import { defaultSettings } from '../../src/sandbox/aws/settings.ts'
import type { AwsCredential } from '../../src/sandbox/aws/sign.ts'
import type { RequestLine } from '../../src/sandbox/faults.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import type { Clock } from '../../src/base/clock.ts'
import { keyPair } from './aws-client.ts'
import { manualClock, type ManualClock } from './clock.ts'
import { pooledFetch } from '../../src/outbound/pooled-fetch.ts'
import { createShared } from '../../src/provider/services.ts'
import { lentServices } from './services.ts'

export const mints = ({ path }: RequestLine) => path.startsWith('/sts')
export const revokes = ({ path }: RequestLine) => path.startsWith('/iam')

export const patient = () => ({ signal: new AbortController().signal })

export const deployer = 'arn:aws:iam::123456789012:role/deployer'
export const reader = 'arn:aws:iam::123456789012:role/teams/web/reader'

/** All that the role may; and a part of it. Both normal. */
export const deploys = aws.detail.parse({ type: 'aws', role_arn: deployer })
export const readsBucket = aws.detail.parse({
  type: 'aws',
  role_arn: deployer,
  actions: ['s3:GetObject'],
  resources: ['arn:aws:s3:::bucket/*'],
})

/** The SDK's default chain begins with these. */
export function liveOn(key: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): void {
  process.env['AWS_ACCESS_KEY_ID'] = key.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = key.secretAccessKey
  if (key.sessionToken === undefined) delete process.env['AWS_SESSION_TOKEN']
  else process.env['AWS_SESSION_TOKEN'] = key.sessionToken
}

/** A session of a role of the broker's own: what it assumes is chained. */
export async function roleSession(
  { settings, endpoints, region, accessKey, roleArn }: SandboxAws,
  clock: Clock,
) {
  const trust = { account: true, setSourceIdentity: false, tagSession: false }
  const permissions = [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }]
  settings.roles.push({ name: 'mayfly', path: '/', maxSessionDuration: 43_200, permissions, trust })
  const sts = new STSClient({
    region,
    endpoint: endpoints.sts,
    credentials: accessKey,
    systemClockOffset: clock.now() - Date.now(),
  })
  const { Credentials } = await sts.send(
    new AssumeRoleCommand({ RoleArn: roleArn('mayfly'), RoleSessionName: 'mayfly', DurationSeconds: 43_200 }),
  )
  return keyPair(Credentials)
}

/** What one installation keeps on a role. */
export const denyPolicy = policyName(lentServices.installation())

interface Written {
  Statement: { Condition: Record<string, Record<string, unknown>> }[]
}

/** What each statement of a policy's text depends on; none where there is no policy. */
export const conditions = (text: string | undefined) =>
  (JSON.parse(text ?? '{"Statement":[]}') as Written).Statement.map(({ Condition }) => Condition)

/** A local AWS of its own, and a connection to it whose clock it shares. */
export async function connectAws({
  as = 'user',
  settings = {},
  config: changed = {},
  context: lent = {},
}: {
  /** What the broker is: a user with long-term keys, or a role, whose sessions' sessions end in the console as well. */
  as?: 'user' | 'role'
  settings?: Partial<AwsSettings>
  config?: Record<string, unknown>
  context?: Partial<ConnectionContext>
} = {}) {
  const clock: ManualClock = manualClock()
  const ledger = createLedger(clock)
  const sandbox = await startAws(clock, ledger, { ...defaultSettings(), ...settings })
  afterAll(() => sandbox.close())
  liveOn(as === 'user' ? sandbox.accessKey : await roleSession(sandbox, clock))
  // Only what the broker mints is of interest.
  ledger.entries.length = 0
  sandbox.operations.length = 0
  const context: ConnectionContext = {
    ...lentServices,
    shared: createShared(),
    fetch: pooledFetch({ env: {} }),
    clock,
    secret: () => {
      throw new Error('nothing here is configured with a secret')
    },
    ...lent,
  }
  const config = aws.config.parse({
    name: 'prod',
    region: sandbox.region,
    endpoints: sandbox.endpoints,
    roles: [
      { arn: deployer, class: 'deploy' },
      { arn: reader, class: 'read', external_id: 'acme-42', max_session_duration: 7200 },
    ],
    ...changed,
  }) satisfies AwsConfig
  const terms = aws.terms(config)
  const connection = connect(config, context)
  /** What the store would give: the handles of all that was revoked, or is about to be. */
  const standing: Handle[] = []
  let count = 0

  const intentOf = (detail: AwsDetail, seconds = 900): Intent<AwsDetail> => ({
    leaseId: `lease_${(count += 1).toString(16).padStart(32, '0')}`,
    taskId: `task_${'0'.repeat(32)}`,
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    detail,
    createdAt: clock.now(),
    deadline: clock.now() + seconds * 1000,
  })
  return {
    sandbox,
    ledger,
    clock,
    config,
    context,
    terms,
    connection,
    standing,
    intentOf,
    alive: () => ledger.alive(clock.now()),
    mint: (detail: AwsDetail = deploys, seconds?: number, from: Upstream<AwsDetail> = connection) =>
      from.mint(detail, intentOf(detail, seconds), patient()),
    /** Revokes as the broker does: what is to go stands already. */
    async revoke(minted: Minted[], from: Upstream<AwsDetail> = connection) {
      const handles = minted.map(({ handle }) => JSON.parse(JSON.stringify(handle)) as Handle)
      standing.push(...handles)
      return await from.revoke(handles, { standing: live, ...patient() })
    },
    /** The connection after a restart of the broker: nothing is remembered. */
    restarted: () => connect(config, { ...context, shared: createShared() }),
    maintain: (from: Upstream<AwsDetail> = connection) => from.maintain?.({ standing: live, ...patient() }),
    probe: (minted: Minted) => connection.probe(minted.handle, patient()),
    /** The deny policy's text; undefined where the role has none. */
    policy: (role = 'deployer') => sandbox.inlinePolicies(role).get(denyPolicy),
    /** How often an operation was called. */
    calls: (operation: string) => sandbox.operations.filter((called) => called === operation).length,
    use: (minted: Minted, object = 'bucket/key', body?: string) =>
      sandbox.use(minted.credential as unknown as AwsCredential, object, body),
  }

  /** As the store: of those whose upstream life is over none stands. */
  function live(): Promise<Handle[]> {
    return Promise.resolve(standing.filter((handle) => Number(handle['expires_at']) > clock.now()))
  }
}

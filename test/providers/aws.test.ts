import { aws } from '../../providers/aws.ts'
import { providerContract } from '../contract/provider.ts'
import { connectAws, deployer, deploys, mints, reader, readsBucket, revokes } from '../support/aws-sandbox.ts'

async function subject(config: Record<string, unknown>) {
  const upstream = await connectAws({ config, settings: { propagation: 30_000 } })
  const { sandbox, clock, ledger, context } = upstream
  return {
    provider: aws,
    config: upstream.config,
    origin: new URL(sandbox.endpoints.sts).origin,
    at: (origin: string) => ({
      ...upstream.config,
      endpoints: { sts: `${origin}/sts`, iam: `${origin}/iam` },
    }),
    context,
    clock,
    faults: sandbox.faults,
    ledger,
    mints,
    revokes,
    secretOf: ({ credential }: { credential: Record<string, unknown> }) =>
      String(credential['session_token']),
    detail: deploys,
    narrower: readsBucket,
    wider: [
      aws.detail.parse({ ...deploys, role_arn: reader }),
      aws.detail.parse({ ...readsBucket, role_arn: reader }),
    ],
    scope: deployer,
    secrets: [sandbox.accessKey.secretAccessKey],
    propagation: 30_000,
    lags() {
      sandbox.settings.staleReads = 800
      return () => (sandbox.settings.staleReads = 0)
    },
    lagMs: 800,
  }
}

providerContract('aws', () => subject({}))
providerContract('aws, where nothing but expiry ends a session', () => subject({ revocation: 'expiry' }))

/** The provider contract against moto, and the sandbox beside it. */
import { afterAll, describe, expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { providerContract } from '../contract/provider.ts'
import { deployer, deploys, liveOn, mints, reader, readsBucket, revokes } from '../support/aws-sandbox.ts'
import { awsWorld } from '../support/aws-client.ts'
import { manualClock } from '../support/clock.ts'
import { lentServices } from '../support/services.ts'
import { answers } from './aws-requests.ts'
import { proxyTo } from './moto-proxy.ts'
import { startMoto } from './moto.ts'

const moto = await startMoto()
test.skipIf(moto)(
  "SKIPPED: no moto_server runs from PATH, nor from MAYFLY_MOTO (pip install 'moto[server]')",
  () => {},
)

describe.runIf(moto)('moto', () => {
  if (!moto) return
  afterAll(() => moto.close())

  providerContract('aws', async () => {
    liveOn(moto.credentials)
    const clock = manualClock()
    const { endpoints, faults, ledger, close } = await proxyTo(moto, clock)
    const config = aws.config.parse({
      name: 'prod',
      region: 'eu-west-1',
      endpoints,
      roles: [
        { arn: deployer, class: 'deploy' },
        { arn: reader, class: 'read', max_session_duration: 7200 },
      ],
    })
    return {
      provider: aws,
      config,
      origin: new URL(endpoints.sts).origin,
      at: (origin) => ({
        ...config,
        endpoints: {
          sts: endpoints.sts.replace(/^https?:\/\/[^/]+/, origin),
          iam: endpoints.iam.replace(/^https?:\/\/[^/]+/, origin),
        },
      }),
      context: { ...lentServices, fetch, clock, secret: () => '' },
      clock,
      faults,
      ledger,
      mints,
      revokes,
      secretOf: ({ credential }) => String(credential['session_token']),
      detail: deploys,
      narrower: readsBucket,
      wider: [{ ...deploys, role_arn: reader }],
      scope: deployer,
      secrets: [moto.credentials.secretAccessKey],
      close,
    }
  })

  test('the sandbox answers as moto does, but where moto is less strict than the documentation', async () => {
    const [theirs, ours] = [await answers(moto), await answers(await awsWorld())]
    expect(ours).toEqual({ ...theirs, ...stricter })
    for (const [name, answer] of Object.entries(stricter)) expect(theirs[name]).not.toEqual(answer)
  })
})

/** What the sandbox answers, as the documentation says, where moto gives something else. */
const stricter: Record<string, unknown> = {
  'a policy beyond the quota': 'LimitExceededException',
  'a session with a source identity': expect.arrayContaining(['task_1']),
  'a session too short': 'ValidationError',
  'a session policy too long': 'ValidationError',
  'a session of a role that does not exist': 'AccessDenied',
}

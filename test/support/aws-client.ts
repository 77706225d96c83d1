import { IAMClient } from '@aws-sdk/client-iam'
import { STSClient, type Credentials } from '@aws-sdk/client-sts'
import { onTestFinished } from 'vitest'
import { startAws, type AwsSettings } from '../../src/sandbox/aws.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import { manualClock } from './clock.ts'

interface KeyPair {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** A local AWS whose time stands still, closed when the test is over, and the SDK's own clients for it. */
export async function awsWorld(settings: Partial<AwsSettings> = {}) {
  const clock = manualClock()
  const ledger = createLedger(clock)
  const aws = await startAws(clock, ledger, settings)
  onTestFinished(() => aws.close())
  const options = (credentials: KeyPair, ahead = 0) => ({
    region: aws.region,
    credentials,
    maxAttempts: 1,
    systemClockOffset: clock.now() - Date.now() + ahead,
  })
  const as = (credentials: KeyPair, ahead?: number) => ({
    sts: new STSClient({ ...options(credentials, ahead), endpoint: aws.endpoints.sts }),
    iam: new IAMClient({ ...options(credentials, ahead), endpoint: aws.endpoints.iam }),
  })
  return { aws, clock, ledger, as, ...as(aws.accessKey), deployer: aws.roleArn('deployer') }
}

/** The key pair of an answer of STS. */
export function keyPair(
  { AccessKeyId, SecretAccessKey, SessionToken }: Credentials = {} as Credentials,
): Required<KeyPair> {
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! }
}

/** The same as the broker's clients get it. */
export function credentialOf(credentials: Credentials | undefined) {
  const { accessKeyId, secretAccessKey, sessionToken } = keyPair(credentials)
  return { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken }
}

/** The code of an error of the SDK. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return (error as Error | undefined)?.name ?? 'no error'
}

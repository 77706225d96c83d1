/**
 * AWS as the broker sees it, one account of it: STS, the part of IAM that concerns
 * roles, and objects on which a session can be tried. What its policies decide is
 * decided: a session that is denied gets nothing any more. Where AWS publishes no
 * rule, the one that is worse for the client holds.
 */
import type { Context } from 'hono'
import type { Clock } from '../clock.ts'
import { authenticate } from './aws/authenticate.ts'
import { iamOperations } from './aws/iam.ts'
import { createKeys } from './aws/keys.ts'
import { objectRoutes } from './aws/objects.ts'
import { queryRoutes } from './aws/query.ts'
import { createRoles } from './aws/roles.ts'
import { defaultSettings, type AwsSettings } from './aws/settings.ts'
import { signedHeaders, type AwsCredential } from './aws/sign.ts'
import { stsOperations } from './aws/sts.ts'
import type { Faults, RequestLine } from './faults.ts'
import type { Ledger } from './ledger.ts'
import { listen } from './server.ts'

export type { AwsSettings }

export interface SandboxAws {
  /** Base URLs without a trailing slash, all on one server. */
  endpoints: { sts: string; iam: string }
  region: string
  /** The key pair of the broker's own user, made at the start. */
  accessKey: { accessKeyId: string; secretAccessKey: string }
  faults: Faults
  requests: RequestLine[]
  /** The operations that were called, in order: `AssumeRole`, `PutRolePolicy`. */
  operations: string[]
  settings: AwsSettings
  /** The ARN of a role of the settings. @throws when there is none of this name */
  roleArn(name: string): string
  /** The role's inline policies as they are, text by name. */
  inlinePolicies(name: string): ReadonlyMap<string, string>
  /** As somebody else with the right to. `text` undefined: removes it. @throws a refusal */
  setInlinePolicy(name: string, policy: string, text: string | undefined): void
  /** Gets an object, or puts one, with a minted credential, and gives the status. `object`: `BUCKET/KEY`. */
  use(credential: AwsCredential, object: string, body?: string): Promise<number>
  close(): Promise<void>
}

export async function startAws(
  clock: Clock,
  ledger: Ledger,
  overrides: Partial<AwsSettings> = {},
  port?: number,
): Promise<SandboxAws> {
  const settings = { ...defaultSettings(), ...overrides }
  const keys = createKeys(settings.account, clock, ledger)
  const roles = createRoles(settings, keys, clock)
  const { app, url, faults, requests, close } = await listen(clock, port)
  const operations: string[] = []
  const noted = (action: string) => void operations.push(action)
  // IAM is signed for its own region where it is not told of an endpoint, and for the client's where it is.
  const by = (service: string) => (c: Context) => authenticate(c, service, settings.region, keys, clock)

  app.route(
    '/',
    queryRoutes(
      { path: '/sts/', version: '2011-06-15', namespace: 'https://sts.amazonaws.com/doc/2011-06-15/' },
      stsOperations({ settings, keys, roles, clock, authenticate: by('sts') }),
      noted,
    ),
  )
  app.route(
    '/',
    queryRoutes(
      { path: '/iam/', version: '2010-05-08', namespace: 'https://iam.amazonaws.com/doc/2010-05-08/' },
      iamOperations({ roles, authenticate: by('iam') }),
      noted,
    ),
  )
  app.route('/', objectRoutes(roles, by('s3')))

  const named = (name: string) => {
    const role = roles.byName(name)
    if (!role) throw new Error(`the account has no role ${name}`)
    return role
  }
  return {
    endpoints: { sts: `${url}/sts`, iam: `${url}/iam` },
    region: settings.region,
    accessKey: { accessKeyId: keys.user.accessKeyId, secretAccessKey: keys.user.secretAccessKey },
    faults,
    requests,
    operations,
    settings,
    roleArn: (name) => roles.arnOf(named(name)),
    inlinePolicies: (name) => roles.current(named(name)),
    setInlinePolicy: (name, policy, text) => roles.setInline(named(name), policy, text),
    async use(credential, object, body) {
      const request = { method: body === undefined ? 'GET' : 'PUT', url: `${url}/s3/${object}` }
      const sent = body === undefined ? request : { ...request, body }
      const headers = signedHeaders(credential, {
        ...sent,
        service: 's3',
        region: settings.region,
        now: clock.now(),
      })
      const answer = await fetch(request.url, { ...sent, headers })
      await answer.body?.cancel()
      return answer.status
    },
    close,
  }
}

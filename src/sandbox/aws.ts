/**
 * AWS as the broker sees it, one account of it: STS, the part of IAM that concerns
 * roles, and objects on which a session can be tried. What its policies decide is
 * decided: a session that is denied gets nothing any more. Where AWS publishes no
 * rule, the one that is worse for the client holds.
 */
import type { Context } from 'hono'
import type { Clock } from '../base/clock.ts'
import { authenticate } from './aws/authenticate.ts'
import { consoleRoutes } from './aws/console.ts'
import { iamOperations } from './aws/iam.ts'
import { createKeys } from './aws/keys.ts'
import { queryRoutes } from './aws/query.ts'
import { createRoles } from './aws/roles.ts'
import { defaultSettings, type AwsSettings } from './aws/settings.ts'
import { signedHeaders, type AwsCredential } from './aws/sign.ts'
import { stsOperations } from './aws/sts.ts'
import { useRoutes } from './aws/use.ts'
import { voice } from './aws/voice.ts'
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
  /** Tries any action, `s3:GetDataAccess`, on no resource in particular, and gives the status. */
  call(credential: AwsCredential, action: string): Promise<number>
  /**
   * Makes a console session of a minted credential: what a browser would hold.
   *
   * @param seconds default: none are asked for
   * @throws when it is refused
   */
  signIn(credential: AwsCredential, seconds?: number): Promise<AwsCredential>
  close(): Promise<void>
}

export async function startAws(
  clock: Clock,
  ledger: Ledger,
  overrides: Partial<AwsSettings> = {},
  port?: number,
): Promise<SandboxAws> {
  const settings = { ...defaultSettings(), ...overrides }
  const keys = createKeys(settings, clock, ledger)
  const roles = createRoles(settings, keys, clock)
  const { app, url, faults, requests, close } = await listen(clock, port, voice)
  const operations: string[] = []
  const noted = (action: string) => void operations.push(action)
  // IAM is signed for its own region where it is not told of an endpoint, and for the client's where it is.
  const by = (service: string) => (c: Context) => authenticate(c, service, settings, keys, clock)

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
  app.route('/', useRoutes(roles, by))
  app.route('/', consoleRoutes(keys, clock))

  const named = (name: string) => {
    const role = roles.byName(name)
    if (!role) throw new Error(`the account has no role ${name}`)
    return role
  }
  const [region] = settings.regions
  const send = async (
    credential: AwsCredential,
    service: string,
    request: { method: string; url: string; body?: string },
  ) => {
    const headers = signedHeaders(credential, { ...request, service, region, now: clock.now() })
    const answer = await fetch(request.url, { ...request, headers })
    await answer.body?.cancel()
    return answer.status
  }
  return {
    endpoints: { sts: `${url}/sts`, iam: `${url}/iam` },
    region,
    accessKey: { accessKeyId: keys.user.accessKeyId, secretAccessKey: keys.user.secretAccessKey },
    faults,
    requests,
    operations,
    settings,
    roleArn: (name) => roles.arnOf(named(name)),
    inlinePolicies: (name) => roles.current(named(name)),
    setInlinePolicy: (name, policy, text) => roles.setInline(named(name), policy, text),
    use: (credential, object, body) =>
      send(credential, 's3', {
        method: body === undefined ? 'GET' : 'PUT',
        url: `${url}/s3/${object}`,
        ...(body !== undefined && { body }),
      }),
    call(credential, action) {
      const [service = '', name = ''] = action.split(':')
      return send(credential, service, { method: 'POST', url: `${url}/do/${service}/${name}` })
    },
    async signIn({ access_key_id, secret_access_key, session_token }, seconds) {
      const Session = JSON.stringify({
        sessionId: access_key_id,
        sessionKey: secret_access_key,
        sessionToken: session_token,
      })
      const ask = async <Told>(query: Record<string, string>) => {
        const answer = await fetch(`${url}/federation?${String(new URLSearchParams(query))}`)
        if (!answer.ok) throw new Error(`the federation endpoint: ${await answer.text()}`)
        return (await answer.json()) as Told
      }
      const duration = seconds === undefined ? {} : { SessionDuration: String(seconds) }
      const asked = { Action: 'getSigninToken', Session, ...duration }
      const { SigninToken } = await ask<{ SigninToken: string }>(asked)
      return await ask<AwsCredential>({ Action: 'login', SigninToken })
    },
    close,
  }
}

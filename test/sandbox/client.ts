import { SignJWT } from 'jose'
import { createPrivateKey } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { startGithub, type GithubSettings, type SandboxGithub } from '../../src/sandbox/github.ts'
import { createLedger, type Ledger } from '../../src/sandbox/ledger.ts'
import { manualClock, type ManualClock } from '../support/clock.ts'

export interface World {
  github: SandboxGithub
  ledger: Ledger
  clock: ManualClock
  /** A request to the local GitHub, `body` as JSON. */
  call: (method: string, path: string, authorization?: string, body?: unknown) => Promise<Answer>
  /** The same, as the app. */
  asApp: (method: string, path: string, body?: unknown) => Promise<Answer>
  /** A token of the first installation: for web, to read its contents, unless told otherwise. */
  mint: (body?: unknown) => Promise<string>
}

interface Answer {
  status: number
  headers: Headers
  // Whatever GitHub says: the claims of the tests are about it.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

/** A local GitHub whose time stands still, closed when the test is over. */
export async function world(settings: Partial<GithubSettings> = {}): Promise<World> {
  const clock = manualClock()
  const ledger = createLedger(clock)
  const github = await startGithub(clock, ledger, settings)
  onTestFinished(() => github.close())

  const call: World['call'] = async (method, path, authorization, body) => {
    const response = await fetch(github.url + path, {
      method,
      headers: authorization === undefined ? {} : { authorization },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) }
  }
  const asApp: World['asApp'] = async (method, path, body) =>
    call(method, path, `Bearer ${await appJwt(github, clock.now())}`, body)
  const mint: World['mint'] = async (body = { repositories: ['web'], permissions: { contents: 'read' } }) =>
    (await asApp('POST', mintPath, body)).body.token
  return { github, ledger, clock, call, asApp, mint }
}

export const mintPath = '/app/installations/5001/access_tokens'

/** The app's JWT as GitHub documents it; a claim given as `undefined` is left out. */
export function appJwt(
  github: Pick<SandboxGithub, 'appId' | 'privateKey'>,
  now: number,
  claims: Record<string, unknown> = {},
): Promise<string> {
  const seconds = Math.floor(now / 1000)
  return new SignJWT({ iss: String(github.appId), iat: seconds - 60, exp: seconds + 540, ...claims })
    .setProtectedHeader({ alg: 'RS256' })
    .sign(createPrivateKey(github.privateKey))
}

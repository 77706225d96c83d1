/** Whether the app is what the configuration and the policies take it for. */
import { z } from 'zod'
import { garbage, refused } from '../../src/provider/answers.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import type { Finding, MightPermit } from '../../src/provider/upstream.ts'
import { actionOf, askable, includes, permissions, type Level, type Permission } from './permissions.ts'
import { refusal, type Meanings } from './refusal.ts'
import type { Github } from './upstream.ts'
import { isOwn } from './words.ts'

const app = z.object({ id: z.int() })
const installation = z.object({
  permissions: z.record(z.string().regex(/^\w{1,100}$/), z.string().regex(/^\w{1,20}$/)),
  suspended_at: z.string().nullish(),
})

/** GitHub REST, "Get the authenticated app" and "Get a user installation for the authenticated app". */
export async function diagnose(
  github: Github,
  mightPermit: MightPermit,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { config } = github
  const identity = await ask(
    {
      route: 'GET /app',
      schema: app,
      meanings: { 401: 'the app id and its private key are not accepted' },
    },
    github,
    signal,
  )
  if (identity instanceof ProviderError)
    return [
      fault(
        identity,
        identity.kind === 'rejected'
          ? 'It was reached, and refuses: check `app_id` and `private_key`, and that `api` is where the app is.'
          : 'Look at how GitHub is, and at what lies between here and there; then run this again.',
      ),
    ]
  const owners = await Promise.all(
    config.owners.map((owner) => installedOn(owner, mightPermit, github, signal)),
  )
  return [{ status: 'ok', message: `GitHub accepts the key of the app ${config.app_id}` }, ...owners.flat()]
}

async function installedOn(
  owner: string,
  mightPermit: MightPermit,
  github: Github,
  signal: AbortSignal,
): Promise<Finding[]> {
  // Finds organizations as well as users.
  const found = await ask(
    {
      route: 'GET /users/{owner}/installation',
      parameters: { owner },
      schema: installation,
      meanings: { 404: `the app is not installed on ${owner}` },
    },
    github,
    signal,
  )
  if (found instanceof ProviderError)
    return [fault(found, `Install the app on ${owner}, or take it out of \`owners\`.`)]
  if (typeof found.suspended_at === 'string')
    return [
      {
        status: 'fault',
        message: `the app's installation on ${owner} is suspended: nothing can be minted or revoked there`,
        remedy: 'Lift the suspension in the settings of the owner.',
      },
    ]
  const granted = found.permissions
  const lacking = ungranted(granted, mightPermit)
  const excess = unaskable(granted, mightPermit)
  const findings: Finding[] = []
  if (lacking.length > 0)
    findings.push({
      status: 'warning',
      message: `policies name what the installation on ${owner} was not granted: ${lacking.join(', ')}`,
      remedy: 'Grant it to the app and have the owner accept, or take it out of the policies.',
    })
  if (excess.length > 0)
    findings.push({
      status: 'warning',
      message: `the installation on ${owner} was granted what no policy permits: ${excess.join(', ')}`,
      remedy: 'Take it away from the app: whoever had its key would have that too.',
    })
  if (findings.length > 0) return findings
  return [{ status: 'ok', message: `the installation on ${owner} was granted what policies permit` }]
}

/** What a policy names and a mint would be refused. Classes are left out: no app is granted all of one. */
function ungranted(granted: Record<string, string>, mightPermit: MightPermit): string[] {
  return askable.flatMap(({ name, levels }) =>
    levels
      .filter((level) => mightPermit(actionOf(name, level)) === 'by name' && !includes(granted[name], level))
      .map((level) => `${name}: ${level}`),
  )
}

/** What could only be misused. `metadata: read` comes with every app. */
function unaskable(granted: Record<string, string>, mightPermit: MightPermit): string[] {
  return Object.entries(granted)
    .filter(([name]) => name !== 'metadata')
    .filter(([name, level]) => {
      const permission = permissions.get(name)
      return !permission || !mayAsk(permission, level as Level, mightPermit)
    })
    .map(([name, level]) => `${name}: ${level}`)
    .toSorted()
}

function mayAsk(permission: Permission, level: Level, mightPermit: MightPermit): boolean {
  return askable.includes(permission) && mightPermit(actionOf(permission.name, level)) !== undefined
}

interface Question<Answered> {
  route: `GET /${string}`
  parameters?: Record<string, unknown>
  schema: z.ZodType<Answered>
  meanings: Meanings
}

async function ask<Answered>(
  { route, parameters = {}, schema, meanings }: Question<Answered>,
  { api }: Github,
  signal: AbortSignal,
): Promise<Answered | ProviderError> {
  try {
    const answer = await api.asApp(route, parameters, signal)
    if (answer.status !== 200) return refusal(answer, meanings, false)
    if (!isOwn(answer)) return nameless()
    const parsed = schema.safeParse(answer.data)
    return parsed.success ? parsed.data : garbage('GitHub', false)
  } catch (error) {
    if (error instanceof ProviderError) return error
    throw error
  }
}

/** By that header alone its refusals are told from a proxy's (docs/decisions/0011). */
function nameless(): ProviderError {
  return refused("GitHub's answers come without x-github-request-id: nothing would be seen dead", {
    remedy: 'Have what is between the broker and GitHub let that header through.',
  })
}

function fault({ message, remedy }: ProviderError, otherwise: string): Finding {
  return { status: 'fault', message, remedy: remedy ?? otherwise }
}

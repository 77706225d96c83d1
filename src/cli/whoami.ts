/** `mayfly whoami`: who is logged in, and which agent a token is, or why it is none. */
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { nearest } from '../agents/nearest.ts'
import { asOwned } from '../agents/registry.ts'
import type { RuleSet } from '../config/rules.ts'
import { decode } from '../identity/decode.ts'
import { claimedPrincipal } from '../identity/principal.ts'
import { knownBrokers } from '../client/login/brokers.ts'
import { whoIsLoggedIn } from '../client/login/login.ts'
import { Failure, report } from './failure.ts'
import { loginView, who } from './login.ts'
import { missLines } from './nearest.ts'
import { withConfiguration, withIdentity, withJson, workloadIdentity } from './options.ts'
import { readRules } from './policy/question.ts'
import { answer } from './print.ts'
import { readTokenClaims } from './token-claims.ts'

export function register(program: Command): void {
  withJson(withIdentity(withConfiguration(program.command('whoami'))))
    .summary('who is logged in; which agent a token is, or which rule comes nearest')
    .description(
      `Shows who is logged in at which broker (\`mayfly login\`).

Where there is a configuration, reads a workload's OIDC token besides, that of
the login where there is no other, and holds what it claims against it: its
issuer, its audience, its age, and the rules of every agent. Its signature is
not checked, and the broker is asked nothing. Where no rule matches, the nearest
one is shown, and the first claim that differs.

The exit status is 1 where the broker would refuse the token for what it claims,
and without a configuration where nobody is logged in.`,
    )
    .action((options: Options, command: Command) => {
      const asked = command.getOptionValueSource('config') !== 'default' || options.tokenFile !== undefined
      return asked || existsSync(options.config) ? whoami(options) : whoIsIn(options)
    })
}

interface Options {
  config: string
  tokenFile?: string
  audience?: string
  json?: boolean
}

async function whoami(options: Options): Promise<void> {
  const { rules } = await readRules(options.config)
  const token = await workloadIdentity({ ...options, url: rules.url })
  const seen = lookAt(rules, claimsOf(token), Math.floor(Date.now() / 1000))
  const logins = await loginsHere(options)
  answer(options, { ...seen.view, logins: logins.map(({ view }) => view) }, [
    ...seen.lines,
    ...logins.map(({ line }) => line),
  ])
  if (!seen.accepted) process.exitCode = 1
}

async function whoIsIn(options: Options): Promise<void> {
  const logins = await loginsHere(options)
  if (logins.length === 0 && process.exitCode === 1) return
  if (logins.length === 0)
    throw new Failure(
      'no_identity',
      'nobody is logged in here, and there is no configuration to hold a token against',
      'Log in with `mayfly login`, or name a configuration with -c.',
    )
  answer(
    options,
    { logins: logins.map(({ view }) => view) },
    logins.map(({ line }) => line),
  )
}

/** At every broker that this user has asked. No token is looked at, and none is used up. */
async function loginsHere({ json = false }: Options) {
  const { env } = process
  const found = []
  for (const { url } of knownBrokers(env))
    for (const kind of ['workload', 'admin'] as const) {
      const login = await whoIsLoggedIn(url, kind, env).catch((error: unknown) => {
        // One that cannot be read says so, and hides no other.
        process.exitCode = report(error, json)
      })
      if (!login) continue
      const as = kind === 'admin' ? ', as an admin' : login.renewed ? '' : ', for one task'
      found.push({ view: loginView(url, login), line: `logged in ${who(login)} at ${url}${as}` })
    }
  return found
}

/** @throws Failure */
function claimsOf(token: string): Record<string, unknown> {
  try {
    return decode(token).claims
  } catch (error) {
    throw new Failure(
      'failed',
      error instanceof Error ? error.message : 'this is no token',
      'Give a JWT in its compact form, as the issuer hands it out.',
    )
  }
}

/** `now` in seconds. */
function lookAt(rules: RuleSet, claims: Record<string, unknown>, now: number) {
  const { issuer, audiences, expected, faults } = readTokenClaims(rules, claims, now)
  const principal = claimedPrincipal(issuer?.name ?? '', claims)
  const matching = issuer ? rules.agents.matching(principal) : []
  const agents = matching.map(({ name }) => name)
  const owned = matching.map((agent) => ({ name: agent.name, ...asOwned(agent, principal) }))
  const miss = issuer && agents.length === 0 ? nearest(rules.agents, principal) : undefined
  const iss = typeof claims['iss'] === 'string' ? claims['iss'] : ''
  return {
    accepted: Object.keys(faults).length === 0 && owned.some((each) => 'agent' in each),
    view: {
      issuer: issuer?.name ?? null,
      iss,
      subject: principal.subject,
      audiences,
      audiences_expected: expected,
      expired: faults.age !== undefined,
      agents,
      owners: Object.fromEntries(owned.map((each) => [each.name, 'agent' in each ? each.agent.owner : null])),
      nearest: miss ?? null,
      signature: 'not checked',
    },
    lines: [
      `issuer    ${issuer ? `${issuer.name} (${issuer.issuer})` : `${iss || 'none'}: ${faults.issuer}`}`,
      `subject   ${principal.subject}`,
      `audience  ${audiences.join(', ') || 'none'}${faults.audience ? `: ${faults.audience}` : ''}`,
      `age       ${faults.age ?? 'current'}`,
      `agent     ${agents.join(', ') || 'none'}${agents.length > 1 ? ': the workload has to name one of them (`agent`)' : ''}`,
      ...owned.map((each) =>
        'agent' in each
          ? `owner     ${each.agent.owner} of ${each.name}`
          : `owner     none: ${each.refused.message}`,
      ),
      ...(miss ? missLines(miss) : []),
      'The signature was not checked.',
    ],
  }
}

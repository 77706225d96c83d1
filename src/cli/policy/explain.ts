import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AuthorizationDetail } from '../../client/client.ts'
import { type Class, classes } from '../../provider/terms.ts'
import { faultLines, tell } from '../failure.ts'
import { addContext, addText, seconds, withConfiguration, withJson } from '../options.ts'
import { answer } from '../print.ts'
import { addScope, scopeHelp } from '../scope.ts'
import { readTokenClaims } from '../token-claims.ts'
import { explanationView, requestLines } from './describe.ts'
import { agentByClaims, explainQuestion, readClaims, readRules, readToken } from './question.ts'

interface ExplainOptions {
  config: string
  agent?: string
  scope: AuthorizationDetail[]
  ttl?: number
  purpose?: string
  context?: Record<string, string>
  approved?: string[]
  held?: Class[]
  claims?: string
  token?: string
  json?: boolean
}

export function registerExplain(group: Command): void {
  withJson(withConfiguration(group.command('explain')))
    .summary('why something is allowed, denied or waiting, policy by policy')
    .description(
      `Decides what the broker would decide if the agent asked for this now, and shows
for each action on each resource what part every policy had that can concern
the agent. No broker has to run, and nothing is asked of anyone.

The exit status is 0 whatever the decision is; "policy check" tells right from
wrong. With --json the answer is { "decision", "approvals", "denials", "agent",
"owner", "ttl", "requests", "descriptions", "notes" }.`,
    )
    .option('--agent <name>', 'which agent asks (default: the one that the claims or the token match)')
    .requiredOption('--scope <scope>', 'what it asks for; may be repeated', addScope)
    .option(
      '--ttl <seconds>',
      "how long the task lives (default: 900, or the agent's max_ttl if less)",
      seconds,
    )
    .option('--purpose <text>', 'what it says the task is for')
    .option('--context <key=value>', 'what it says about the task; may be repeated', addContext)
    .option('--approved <group>', 'a group that has said yes; may be repeated', addText)
    .option(
      '--held <class>',
      `a class of what it holds already (${classes.join(', ')}); may be repeated`,
      addClass,
    )
    .addOption(
      new Option('--claims <file>', "a JSON file with its token's claims; without one it has none").conflicts(
        'token',
      ),
    )
    .option('--token <file>', 'a file with its token; audience and age are checked, its signature is not')
    .addHelpText(
      'after',
      `${scopeHelp}

Example:
  mayfly policy explain --agent refactor-bot --scope github:acme/infra:contents=write --approved security`,
    )
    .action((options: ExplainOptions, command: Command) => {
      if ([options.agent, options.claims, options.token].every((one) => one === undefined))
        command.error('error: one of --agent, --claims and --token is needed')
      return run(options)
    })
}

async function run(options: ExplainOptions): Promise<void> {
  const { rules, warnings } = await readRules(options.config)
  const { claims: claimsFile, token } = options
  const claims =
    token !== undefined ? readToken(token) : claimsFile !== undefined ? readClaims(claimsFile) : undefined
  const named = options.agent ?? agentByClaims(rules, claims ?? {})
  const question = { ...options, agent: named, claims, partly: token === undefined }
  const { agent, owner, ttl, explanation, notes, stranger } = explainQuestion(rules, question)
  if (!options.json && warnings.length > 0) tell(warnings.flatMap(faultLines))
  const faults =
    token === undefined ? {} : readTokenClaims(rules, claims!, Math.floor(Date.now() / 1000)).faults
  const refused = Object.keys(faults).length > 0
  const view = explanationView(explanation, rules.policies)
  if (refused) Object.assign(view, { decision: 'denied', approvals: [] })
  for (const [what, why] of Object.entries(faults))
    notes.unshift(`the token is refused before policy is asked, for its ${what}: ${why}`)
  answer(
    options,
    {
      ...view,
      ...(stranger && { code: 'unknown_agent', nearest: stranger }),
      ...(refused && { code: 'invalid_token' }),
      agent: agent.name,
      owner: owner ?? null,
      ttl,
      notes,
    },
    [
      headline(view, `${agent.name} for ${ttl} seconds`),
      ...notes.map((note) => `note: ${note}`),
      ...(stranger || refused ? ['', 'What policy alone would say:'] : []),
      ...explanation.requests.flatMap((request) => ['', ...requestLines(request, rules.policies)]),
    ],
  )
}

function headline({ decision, approvals }: ReturnType<typeof explanationView>, who: string): string {
  return `${who}: ${decision}${approvals.length > 0 ? `, needs the yes of ${approvals.join(', ')}` : ''}`
}

function addClass(written: string, earlier: Class[] = []): Class[] {
  const named = classes.find((known) => known === written)
  if (named === undefined) throw new InvalidArgumentError(`It is one of ${classes.join(', ')}.`)
  return [...earlier, named]
}

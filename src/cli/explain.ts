/** `mayfly explain`: what may be had here, and what something would need. */
import type { Command } from 'commander'
import type { AuthorizationDetail, Explanation } from '../client/client.ts'
import { taskFromEnvironment } from '../client/task-environment.ts'
import {
  addContext,
  type BrokerOptions,
  connect,
  identityHelp,
  seconds,
  withBroker,
  withIdentity,
  workloadIdentity,
} from './options.ts'
import { answer } from './print.ts'
import { addScope, scopeHelp, scopeText } from './scope.ts'

interface ExplainOptions extends BrokerOptions {
  scope?: AuthorizationDetail[]
  purpose?: string
  ttl?: number
  agent?: string
  context?: Record<string, string>
}

export function register(program: Command): void {
  withIdentity(withBroker(program.command('explain')))
    .summary('show what policy allows here, and what else would take')
    .description(
      `Asks the broker what policy says: for each scope whether it is allowed, whose
approval it would wait for, or which policies deny it, and in their authors'
words why. Without a scope, what policy permits, asks for and forbids at all.
Nothing is kept, and the identity token stays good for opening a task.

Inside a task (MAYFLY_TASK and MAYFLY_TASK_TOKEN) the task asks, and is told
what it may mint as it is.

The exit status is 0 whatever the answer is.`,
    )
    .option('--scope <scope>', 'what is asked about; may be repeated', addScope)
    .option('--purpose <text>', 'what the task would be for')
    .option(
      '--ttl <seconds>',
      "how long the task would live (default: 900, or the agent's max_ttl if less)",
      seconds,
    )
    .option('--agent <name>', 'which agent to act as, where the identity matches several')
    .option('--context <key=value>', 'a fact about the task, for policy; may be repeated', addContext)
    .addHelpText(
      'after',
      `${scopeHelp}
${identityHelp}

Example:
  mayfly explain --scope github:acme/infra:contents=write`,
    )
    .action(explain)
}

async function explain(options: ExplainOptions): Promise<void> {
  const { scope, purpose, ttl, agent, context } = options
  const token = taskFromEnvironment(process.env)?.token ?? (await workloadIdentity(options))
  const request = { authorization_details: scope, purpose, ttl, agent, context }
  const explained = await connect(options).explain(token, request)
  answer(options, explained, explanationLines(explained))
}

type Detail = Explanation['details'][number]
type Told = NonNullable<Explanation['overview']>['permits'][number]

function explanationLines({
  agent,
  owner,
  max_ttl,
  decision,
  approvals,
  details,
  overview,
}: Explanation): string[] {
  return [
    `${agent}, owned by ${owner}, for at most ${max_ttl} seconds`,
    ...details.flatMap((detail) => ['', ...detailLines(detail)]),
    ...(details.length > 1
      ? [
          '',
          `together: ${decision}${approvals.length > 0 ? `, needs the yes of ${approvals.join(' and ')}` : ''}`,
        ]
      : []),
    ...(overview
      ? [
          ...toldLines('permitted', overview.permits),
          ...overview.asks.flatMap((told) => toldLines(`needs the yes of ${told.group}`, [told])),
          ...toldLines('forbidden', overview.forbids),
        ]
      : []),
  ]
}

function detailLines(detail: Detail): string[] {
  const { authorization_detail, decision, in_task, approvals, denials, permits, remedy } = detail
  return [
    `${scopeText(authorization_detail)}: ${decision}${in_task ? ', in this task' : ''}`,
    ...approvals.flatMap(({ group, policies }) => [
      `  awaits     the yes of ${group}`,
      ...policies.map(({ id, description }) => `  asked by   ${named(id, description)}`),
    ]),
    ...denials.map(({ action, resource, policies, descriptions = {} }) => {
      const by = policies.map((id) => named(id, Object.hasOwn(descriptions, id) ? descriptions[id]! : null))
      return `  denied     ${action} on ${resource}: ${by.length > 0 ? by.join('; ') : 'no policy permits it'}`
    }),
    ...permits.map((told) => `  permitted  ${toldText(told)}`),
    `  ${remedy}`,
  ]
}

function toldLines(title: string, policies: readonly Told[]): string[] {
  return policies.length > 0 ? ['', title, ...policies.map((told) => `  ${toldText(told)}`)] : []
}

function toldText({ id, description, actions, resources, conditional }: Told): string {
  const what = actions.length > 0 ? actions.join(', ') : 'every action'
  const places = resources.map((place) => (/^(?:in|is) /.test(place) ? place : `on ${place}`))
  const where = places.length > 0 ? places.join(' ') : 'on everything'
  return `${what} ${where}${conditional ? ', on conditions' : ''} (${named(id, description)})`
}

function named(id: string, description: string | null): string {
  return description === null ? id : `${id}: ${description}`
}

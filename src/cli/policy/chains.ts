import type { Command } from 'commander'
import { chainsOf, wayOf } from '../../config/chains.ts'
import type { Chain } from '../../policy/chains.ts'
import { faultLines, tell } from '../failure.ts'
import { withConfiguration, withJson } from '../options.ts'
import { answer, count } from '../print.ts'
import { readRules } from './question.ts'

export function registerChains(group: Command): void {
  withJson(withConfiguration(group.command('chains')))
    .summary('which agents can become which others by way of what they may write')
    .description(
      `Whoever may write a repository decides what its jobs run, and so becomes every
agent whose rules those jobs match. Lists each way from one agent to another,
the shortest one, with the classes that are gained by it, from the
configuration alone. It errs towards yes: branches and environments may be
protected, of which nothing is known here.

The exit status is 0 whatever is found; an expectation (\`becomes\`, \`gains\`)
holds it in place. With --json the answer is { "chains" }, each with "agents",
"through", "by", "gains", "raises" and "approvals".`,
    )
    .action(list)
}

async function list(options: { config: string; json?: boolean }): Promise<void> {
  const { rules, warnings } = await readRules(options.config)
  if (!options.json && warnings.length > 0) tell(warnings.flatMap(faultLines))
  const found = chainsOf(rules)
  answer(options, { chains: found }, [
    ...found.flatMap(linesOf),
    found.length === 0
      ? 'no agent can become another by what it may write'
      : `${count(found.length, 'chain')}, ${found.filter(({ raises }) => raises).length} of which to more than the agent may have itself`,
  ])
}

function linesOf(chain: Chain): string[] {
  const { gains, by, approvals } = chain
  const gained = gains.length > 0 ? gains.join(', ') : 'no other class'
  const waits = approvals.length > 0 ? `, with the yes of ${approvals.join(', ')}` : ''
  return [`${wayOf(chain)} → ${gained}`, `  by ${by.join(', ')}${waits}`]
}

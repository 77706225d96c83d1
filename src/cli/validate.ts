import type { Command } from 'commander'
import { raisesOf, wayOf } from '../config/chains.ts'
import type { Configuration } from '../config/load.ts'
import type { Fault } from '../base/fault.ts'
import { readConfiguration } from './configuration.ts'
import { faultLines, FaultyConfiguration, tell } from './failure.ts'
import { withConfiguration, withJson } from './options.ts'
import { answer, count } from './print.ts'

export function register(program: Command): void {
  withJson(withConfiguration(program.command('validate')))
    .summary('check a configuration, its agents and its policies')
    .description(
      `Reads the configuration as \`serve\` would, with every agent, policy and secret
that it names, looks whether the store could be opened, and says all that is
wrong: where, what, and what to do. Nothing is started, no upstream called.

Warnings are about what is surely not meant: placeholders left in place, rules
that no branch's token matches, policies about what there is not. They do not
stop a start, and leave the exit status at 0.
With --json the answer is { "valid", "faults" }, each fault with "file",
"path", "message", "remedy", "line" and "column" where there is a place, and
"warning" if it is only that.`,
    )
    .action(validate)
}

async function validate(options: { config: string; json?: boolean }): Promise<void> {
  try {
    const { configuration, warnings: found } = await readConfiguration(options.config, { review: true })
    const { agents, issuers, connections } = configuration
    const warnings = [...found, ...chainWarnings(configuration)]
    if (!options.json && warnings.length > 0) tell(warnings.flatMap(faultLines))
    answer(options, { valid: true, faults: warnings }, [
      `${options.config} is valid: ${count([...agents].length, 'agent')}, ${count(issuers.size, 'issuer')}, ${count(connections.length, 'connection')}`,
    ])
  } catch (error) {
    if (!options.json || !(error instanceof FaultyConfiguration)) throw error
    // Here the faults are what was asked for.
    answer(options, { valid: false, faults: error.faults }, [])
    process.exitCode = 1
  }
}

/** One for each agent that becomes more than it may be, unless a human says yes on the way. */
function chainWarnings(configuration: Configuration): Fault[] {
  return raisesOf(configuration).map(({ chain, more }) => ({
    file: configuration.file,
    path: `agent ${chain.agents[0]}`,
    message: `${wayOf(chain)}: by ${chain.by.join(', ')} it comes by ${chain.gains.join(', ')}${more > 0 ? `, and there are ${more} chains more` : ''}`,
    remedy: 'Forbid it to write what other agents run in, or look at `mayfly policy chains`.',
    warning: true as const,
  }))
}

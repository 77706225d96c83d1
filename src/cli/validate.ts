import type { Command } from 'commander'
import { readConfiguration } from './configuration.ts'
import { faultLines, FaultyConfiguration, tell } from './failure.ts'
import { withConfiguration, withJson } from './options.ts'
import { answer, count } from './print.ts'

export function register(program: Command): void {
  withJson(withConfiguration(program.command('validate')))
    .summary('check a configuration, its agents and its policies')
    .description(
      `Reads the configuration as \`serve\` would, with every agent, policy and secret
that it names, and says all that is wrong: where, what, and what to do. Nothing
is started, no upstream called.

Warnings do not stop a start, and leave the exit status at 0.
With --json the answer is { "valid", "faults" }, each fault with "file",
"path", "message", "remedy", and "warning" if it is only that.`,
    )
    .action(validate)
}

async function validate(options: { config: string; json?: boolean }): Promise<void> {
  try {
    const { configuration, warnings } = await readConfiguration(options.config)
    const { agents, issuers, connections } = configuration
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

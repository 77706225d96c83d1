import type { Command } from 'commander'
import { providers } from '../../providers/catalog.ts'
import { ConfigurationRefused, startBroker } from '../broker/broker.ts'
import { compileSooner } from '../broker/compile-sooner.ts'
import { systemClock } from '../base/clock.ts'
import { createLogger } from '../broker/logger.ts'
import { OtherSealKey } from '../base/seal.ts'
import { Failure, FaultyConfiguration, report } from './failure.ts'
import { withConfiguration, withJson } from './options.ts'
import { untilStopped } from './signals.ts'

export function register(program: Command): void {
  withJson(withConfiguration(program.command('serve')))
    .summary('run the broker')
    .description(
      `Runs the broker until SIGINT or SIGTERM, then finishes what is under way and
exits with 0. A second signal exits at once; what was left undone then, the
next start does. SIGHUP reads the configuration again; if it has faults, the
old one stays in force.

The log goes to stdout, one JSON object a line. With --json, the reason why
the broker cannot start is JSON too, on stderr.`,
    )
    .action(serve)
}

async function serve({ config, json = false }: { config: string; json?: boolean }): Promise<void> {
  compileSooner()
  const stopped = untilStopped()
  const log = createLogger()
  const starting = startBroker(config, { clock: systemClock(), log, providers, env: process.env })
  // Heard from now on: whoever reads `listening` may signal at once, and a SIGHUP that nobody hears ends the process.
  // What is wrong with the new configuration goes to the log; the old one stays in force.
  process.on(
    'SIGHUP',
    () =>
      void starting
        .then((broker) => broker.reload())
        .catch((error: unknown) => log.error({ err: error }, 'not reloaded')),
  )
  const broker = await starting.catch((error: unknown) => {
    throw error instanceof ConfigurationRefused
      ? new FaultyConfiguration(error.faults)
      : notStarted(error, config)
  })

  const signal = await stopped
  log.info({ signal }, 'stopping')
  await broker.close().catch((error: unknown) => {
    process.exitCode = report(error, json)
  })
  // Whatever a failed close has left open must not keep the process.
  process.exit()
}

function notStarted(error: unknown, config: string): Failure {
  const message = error instanceof Error ? error.message : 'unknown error'
  return new Failure(
    'failed',
    `the broker cannot start: ${message}`,
    error instanceof OtherSealKey
      ? error.remedy
      : `Correct it in ${config}, or free what it needs, and start again.`,
  )
}

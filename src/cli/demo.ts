import type { Command } from 'commander'
import { errands } from '../demo/keep.ts'
import { setUp, type Setup } from '../demo/setup.ts'
import { startTimeline, type Timeline } from '../demo/timeline.ts'
import { walkThrough } from '../demo/walkthrough.ts'
import { withJson } from './options.ts'
import { statusOf, untilStopped } from './signals.ts'

export function register(program: Command): void {
  withJson(program.command('demo'))
    .summary('watch credentials being minted, used, ended and proven dead')
    .description(
      `Starts a real broker against a local sandbox of its upstreams, and shows over
the broker's own API how credentials live: minted, used, and dead once their
task is completed, has expired, or is revoked. One needs the approval of an
admin, and one outlives a broker that is killed with \`kill -9\`, until the next
one ends it. Dead means that the demo itself tried the credential upstream and
was refused. No account, network or configuration is needed.

The upstreams are a sandbox on this machine, and so is every time that is shown:
GitHub, AWS and Vault have figures of their own, which docs/providers has.

With --json, each step is a line of JSON with "step" and "provider"; the last
line counts. The exit status is 0 when every credential that was minted was
proven dead, and the record is intact.`,
    )
    .option('--keep', 'leave everything running afterwards, with commands to try, until Ctrl-C')
    .action(demo)
}

async function demo({ json = false, keep = false }: { json?: boolean; keep?: boolean }): Promise<void> {
  const stopped = untilStopped()
  // Nothing outside this process is left behind: the upstreams are in it, and the broker ends with it.
  let interrupted = (signal: NodeJS.Signals): void => process.exit(statusOf(signal))
  void stopped.then((signal) => interrupted(signal))

  const timeline = startTimeline(json)
  const setup = await setUp()
  const { url } = setup
  timeline.show('started', null, `a broker at ${url}, and a sandbox for its upstreams`, { url })
  const { minted, proven_dead, ok } = await walkThrough(setup, timeline)
  interrupted = () => undefined
  if (keep) await showErrands(setup, timeline, json)
  else await setup.close()

  const summary = { minted, proven_dead, ok, elapsed_ms: timeline.elapsed() }
  process.stdout.write(`${json ? JSON.stringify(summary) : `${minted} minted, ${proven_dead} proven dead`}\n`)
  process.exitCode = ok ? 0 : 1
  if (!keep) return
  await stopped
  await setup.close()
  process.exit()
}

async function showErrands(setup: Setup, timeline: Timeline, json: boolean): Promise<void> {
  const { configuration, log } = setup
  const list = await errands(setup)
  timeline.show(
    'kept',
    null,
    `everything runs on until Ctrl-C, and its folder is removed then; the broker's log is ${log}`,
    {
      configuration: configuration.file,
      log,
      commands: list.map(({ command }) => command),
    },
  )
  if (json) return
  const lines = list.flatMap(({ what, command }) => [`# ${what}`, command, ''])
  process.stdout.write(`\nIn another terminal, in the checkout:\n\n${lines.join('\n')}\n`)
}

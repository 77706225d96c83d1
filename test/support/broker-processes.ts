/** Several brokers as processes of their own on one PostgreSQL database, and those who ask them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.ts'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import type { Answer } from './broker.ts'
import { type Call, type Instance, type Plan, writeInstances } from './brokers.ts'
import { cliMain, surroundings } from './mayfly.ts'
import { until } from './until.ts'

/** How long a process may take to be ready, or to stop, milliseconds: others may be busy. */
const processTakesMs = 60_000
/** How long an answer is waited for before another broker is asked. */
const answerMs = 8_000

export interface BrokerProcess extends Instance {
  /** Starts it, and waits until it is ready. */
  start(): Promise<void>
  /** Whether it has gone, by itself or of the signal. */
  signal(name: NodeJS.Signals): void
  stopped(): Promise<void>
}

/** An answer that tells of a failure, and when it came. */
export interface Failure {
  at: number
  status: number
  code: string
  /** What it says of it in words. */
  detail: string
  path: string
}

export interface BrokerProcesses extends AsyncDisposable {
  sandbox: Sandbox
  /** Where clients reach them: nobody listens there. */
  url: string
  brokers: BrokerProcess[]
  failures: Failure[]
  workload(): Promise<string>
  /** As a client behind a load balancer asks: the next broker, and another where that does not answer or fails. */
  ask(method: string, path: string, call: Call): Promise<{ answer: Answer; tries: number }>
}

export async function startProcesses(
  plan: (sandbox: Sandbox) => Plan & { env: Record<string, string> },
): Promise<BrokerProcesses> {
  const sandbox = await startSandbox({ clock: systemClock() })
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-processes-'))
  const { env, ...rest } = plan(sandbox)
  const { url, instances } = await writeInstances(sandbox, directory, rest)
  const brokers = instances.map((instance) => processOf(instance, env))
  const failures: Failure[] = []
  let next = 0
  const close = async () => {
    for (const broker of brokers) broker.signal('SIGKILL')
    for (const broker of brokers) await broker.stopped()
    await sandbox.close()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await Promise.all(brokers.map((broker) => broker.start()))
  } catch (error) {
    await close()
    throw error
  }
  return {
    sandbox,
    url,
    brokers,
    failures,
    workload: () => sandbox.issuer.token({ ...sandboxWorkload, aud: url }),
    async ask(method, path, call) {
      for (let tries = 1; ; tries += 1) {
        const broker = brokers[(next += 1) % brokers.length]!
        const signal = AbortSignal.timeout(answerMs)
        const answer = await broker.call(method, path, { ...call, signal }).catch(() => undefined)
        if (answer && answer.status < 500) return { answer, tries }
        if (answer) {
          const { code, detail } = answer.body
          failures.push({ at: Date.now(), status: answer.status, code, detail, path })
        }
        // What does not listen is known at once; one that fails says when to come again.
        await setTimeout(answer ? 500 : 50)
      }
    },
    [Symbol.asyncDispose]: close,
  }
}

function processOf(instance: Instance, env: Record<string, string>): BrokerProcess {
  let child: ChildProcess | undefined
  return {
    ...instance,
    async start() {
      child = spawn(process.execPath, [cliMain, 'serve', '-c', instance.file], {
        env: { ...surroundings(), ...env },
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      const ready = () =>
        instance.call('GET', '/readyz').then(
          ({ status }) => status === 200,
          () => false,
        )
      await until(ready, processTakesMs)
    },
    signal(name) {
      child?.kill(name)
    },
    async stopped() {
      if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

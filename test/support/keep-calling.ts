/**
 * `keep-calling.ts SECONDS CALLS`: a longer piece of work inside one run, which calls each of
 * the commands again and again (JSON, words by name), and in this process itself the AWS SDK: for so long,
 * and on a slow machine some times each. Prints how often each went well, and what went wrong.
 */
import { execFile } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'

const [, , seconds, written = '{}'] = process.argv
const fewest = 6
const end = Date.now() + Number(seconds) * 1000
const commands = JSON.parse(written) as Record<string, [string, ...string[]]>
/** Its own chain of providers, which finds the endpoint by its variables. */
const sts = new STSClient({ endpoint: process.env['STS']!, maxAttempts: 1 })

const calls: Record<string, () => Promise<unknown>> = {
  sdk: () => sts.send(new GetCallerIdentityCommand({})),
}
for (const [name, [command, ...args]] of Object.entries(commands))
  calls[name] = () => promisify(execFile)(command, args)

const told = await Promise.all(
  Object.entries(calls).map(async ([name, call]) => {
    const failures: string[] = []
    let well = 0
    while (Date.now() < end || well + failures.length < fewest) {
      await call().then(
        () => (well += 1),
        (error: Error) => failures.push(`${error.message} ${'stderr' in error ? String(error.stderr) : ''}`),
      )
      await pause(250)
    }
    return [name, { well, failures }] as const
  }),
)
process.stdout.write(JSON.stringify(Object.fromEntries(told)))

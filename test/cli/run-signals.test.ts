import { expect, it } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { startMayfly } from '../support/mayfly.ts'
import { hasTerminal, onTerminal } from './terminal.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox

const line = (script: string) => [
  'run',
  '--purpose',
  'a test',
  '--scope',
  'github:acme/web:contents=read',
  '--',
  'sh',
  '-c',
  script,
]
const start = async (script: string) => {
  const running = startMayfly(line(script), { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() })
  await running.printed('ready')
  return running
}
const alive = () => ledger.alive().length
/** Longer than the echo of one Ctrl-C that npm passes on. */
const pastEcho = () => new Promise((resolve) => setTimeout(resolve, 200))

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGQUIT', 131],
] as const)('%s ends the command, the task and its credentials: %i', async (signal, expected) => {
  const running = await start('echo ready; exec sleep 60')
  expect(alive()).toBe(1)
  running.process.kill(signal)
  expect(await running.ended).toEqual({ status: expected, stdout: 'ready\n', stderr: '' })
  expect(alive()).toBe(0)
})

it.runIf(hasTerminal)('Ctrl-C reaches the command once: from the terminal, and not from us too', async () => {
  const counting = `
    let caught = 0
    process.on('SIGINT', () => (caught += 1))
    setTimeout(() => console.log('caught ' + caught), 700)
    console.log('ready')`
  const env = {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
    NODE: process.execPath,
    COUNTING: counting,
  }
  const { status, screen } = await onTerminal(line('exec "$NODE" -e "$COUNTING"'), env, 'ready', '\x03')
  expect({ status, screen }).toEqual({ status: 0, screen: expect.stringContaining('caught 1') })
  expect(alive()).toBe(0)
})

it('a command that handles the signal decides itself how it ends', async () => {
  const running = await start('trap "echo caught; exit 6" TERM; echo ready; while :; do sleep 0.05; done')
  running.process.kill('SIGTERM')
  expect(await running.ended).toEqual({ status: 6, stdout: 'ready\ncaught\n', stderr: '' })
  expect(alive()).toBe(0)
})

it('a command that a signal of others ends: 128 and its number', async () => {
  const running = await start('echo ready; kill -USR1 $$')
  expect(await running.ended).toMatchObject({ status: 138 })
})

it('a second SIGINT kills a command that heeds none, and the task is completed', async () => {
  const running = await start('trap "" INT; echo ready; while :; do sleep 0.05; done')
  running.process.kill('SIGINT')
  await pastEcho()
  expect(running.process.exitCode).toBeNull()
  running.process.kill('SIGINT')
  expect(await running.ended).toMatchObject({ status: 137, stderr: '' })
  expect(alive()).toBe(0)
})

it('a command that goes on after SIGTERM keeps its credentials no longer than a few seconds', async () => {
  const running = await start('trap "" TERM; echo ready; read go; exit 8')
  running.process.kill('SIGTERM')
  await expect.poll(alive, { timeout: 15_000, interval: 100 }).toBe(0)
  expect(running.process.exitCode).toBeNull()
  running.process.stdin!.end('\n')
  expect(await running.ended).toMatchObject({ status: 8, stderr: '' })
})

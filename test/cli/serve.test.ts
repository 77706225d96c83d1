import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestBroker, type TestBroker, writeWeb } from '../support/broker.ts'
import { mayfly, startMayfly } from '../support/mayfly.ts'

/** Its folder and sandbox are used; it is itself stopped, so that `serve` takes its place. */
let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
  await broker.stop()
})
afterAll(() => broker[Symbol.asyncDispose]())

const start = async () => {
  const served = startMayfly(['serve', '-c', broker.file])
  await served.printed('"listening"')
  return served
}

it.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, then exits with 0', async (signal) => {
  const served = await start()
  expect((await broker.open()).status).toBe(201)
  served.process.kill(signal)
  const { status, stdout, stderr } = await served.ended
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const log = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string })
  expect(log.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['listening', 'stopping', 'audit head']))
})

it('a second signal ends it at once, whatever is under way', async () => {
  const served = await start()
  const { body: task } = await broker.open()
  const hang = broker.sandbox.github.faults.add({ kind: 'hang', on: ({ method }) => method === 'POST' })
  const mint = broker.mint(task, writeWeb).catch(() => 'cut')
  await expect.poll(() => hang.hits).toBe(1)
  served.process.kill('SIGTERM')
  await served.printed('"stopping"')
  const at = performance.now()
  // Past the echo of one Ctrl-C that npm passes on.
  await setTimeout(200)
  served.process.kill('SIGTERM')
  expect((await served.ended).status).toBe(143)
  expect(performance.now() - at).toBeLessThan(3_000)
  hang.clear()
  expect(await mint).toBe('cut')
})

it('a Ctrl-C that npm passes on a second time still ends it in good order', async () => {
  const served = await start()
  const { body: task } = await broker.open()
  const slow = broker.sandbox.github.faults.add({
    kind: 'slow',
    ms: 500,
    on: ({ method }) => method === 'POST',
  })
  const mint = broker.mint(task, writeWeb)
  await expect.poll(() => slow.hits).toBe(1)
  served.process.kill('SIGINT')
  await setTimeout(10)
  served.process.kill('SIGINT')
  expect((await mint).status).toBe(201)
  slow.clear()
  expect((await served.ended).status).toBe(0)
})

it('reads its configuration again on SIGHUP, and keeps the good one when the new one has faults', async () => {
  const served = await start()
  const agent = join(broker.directory, 'agents/refactor-bot.yaml')
  const good = await readFile(agent, 'utf8')
  await writeFile(agent, good.replace('max_ttl: 3600', 'max_ttl: 300'))
  served.process.kill('SIGHUP')
  await expect.poll(async () => (await broker.open({ ttl: 600 })).status).toBe(400)
  await writeFile(agent, 'name: [')
  served.process.kill('SIGHUP')
  await served.printed('not reloaded')
  expect((await broker.open({ ttl: 300 })).status).toBe(201)
  await writeFile(agent, good)
  served.process.kill('SIGTERM')
  expect((await served.ended).status).toBe(0)
})

it('does not start with faults: a line of what and where, and a line of what to do', async () => {
  const file = join(broker.directory, 'faulty.yaml')
  await writeFile(file, (await readFile(broker.file, 'utf8')).replace('url:', 'urll:'))
  const { status, stdout, stderr } = await mayfly(['serve', '-c', file])
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^\S+faulty\.yaml:\d+:1: urll: is not a known key\n {2}Did you mean `url`\?\n/m)
  const inJson = await mayfly(['serve', '-c', file, '--json'])
  expect(JSON.parse(inJson.stderr)).toMatchObject({
    code: 'configuration',
    faults: expect.arrayContaining([expect.objectContaining({ file, path: 'urll' })]),
  })
})

it('does not start beside another broker on the same store', async () => {
  const served = await start()
  const { status, stderr } = await mayfly(['serve', '-c', broker.file])
  expect(status).toBe(1)
  expect(stderr).toMatch(/^mayfly: the broker cannot start: .+\n {2}.+\n$/)
  served.process.kill('SIGTERM')
  await served.ended
})

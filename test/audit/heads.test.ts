/** Every commit's head goes where whoever writes the store cannot follow. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createHeadSink } from '../../src/broker/heads.ts'
import { manualClock } from '../support/clock.ts'
import { noon } from '../support/store.ts'

const heads = [1, 2, 2, 3].map((seq) => ({ seq, mac: 'M'.repeat(43) }))
const clock = manualClock(noon)

function logged() {
  const lines: object[] = []
  const log = {
    info: (facts: object) => void lines.push(facts),
    warn: () => undefined,
    error: () => undefined,
  }
  return { lines, log }
}

it('to the log, each once', () => {
  const { lines, log } = logged()
  const sink = createHeadSink({ kind: 'log' }, { clock, log })
  for (const head of heads) sink.put(head)
  expect(lines).toEqual([1, 2, 3].map((seq) => ({ head: `${seq}:${'M'.repeat(43)}` })))
})

it('to a file, for its owner alone, behind what is there', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-heads-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'heads')
  const { lines, log } = logged()
  for (const head of heads) {
    const sink = createHeadSink({ kind: 'file', path }, { clock, log })
    sink.put(head)
    sink.close()
  }
  expect(readFileSync(path, 'utf8')).toBe(
    [1, 2, 2, 3].map((seq) => `2026-11-02T12:00:00.000Z ${seq}:${'M'.repeat(43)}\n`).join(''),
  )
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(lines).toEqual([])
  expect(() =>
    createHeadSink({ kind: 'file', path: join(directory, 'no', 'file') }, { clock, log }),
  ).toThrow()
})

it('to a syslog server, as RFC 5424 has it', async () => {
  const server = createSocket('udp4').bind(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { log } = logged()
  const sink = createHeadSink(
    { kind: 'syslog', host: '127.0.0.1', port: server.address().port },
    { clock, log },
  )
  const heard = once(server, 'message')
  sink.put(heads[0]!)
  const [message] = await heard
  expect(String(message)).toMatch(/^<110>1 2026-11-02T12:00:00\.000Z \S+ mayfly \d+ head - 1:M{43}$/)
  sink.close()
})

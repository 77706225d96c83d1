/** One delivery to a receiver, and what a notice shows of a credential. */
import { expect, test } from 'vitest'
import type { ChainedEvent } from '../../src/audit/event.ts'
import { redact } from '../../src/broker/logger.ts'
import type { Notice } from '../../src/notify/notice.ts'
import { createTarget } from '../../src/notify/target.ts'
import { noticeOf } from '../../src/notify/wordings.ts'
import type { UpstreamFetch } from '../../src/outbound/upstream-fetch.ts'
import { manualClock } from '../support/clock.ts'
import { putLeases } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { isSigned } from '../support/receiver.ts'

const notice: Notice = { id: 'evt_1_a', type: 'agent.resumed', at: 0, title: 'a', facts: [], data: {} }
const entry = {
  name: 'pager',
  kind: 'generic' as const,
  url: 'https://hooks.acme.dev/a',
  secret: { env: 'HOOK' },
}
const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')

test('a receiver that does not answer is given up after ten seconds, to be tried again', async () => {
  const clock = manualClock()
  const fetch: UpstreamFetch = (_, init) =>
    new Promise((_resolve, reject) => {
      init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error))
    })
  const target = createTarget(entry, { fetch, clock, secret: () => key(1) })
  const delivered = target.deliver(notice)
  await clock.advance(10_000)
  expect(await delivered).toMatchObject({ done: false, reason: 'it did not answer in time' })
})

test('a rotated secret signs from the next delivery on; one that cannot be read is no reason to send unsigned', async () => {
  const sent: { headers: Record<string, string>; text: string }[] = []
  const fetch: UpstreamFetch = async (_, init) => {
    sent.push({ headers: init!.headers as Record<string, string>, text: String(init!.body) })
    return new Response(null, { status: 204 }) as never
  }
  let secret = () => key(1)
  const target = createTarget(entry, { fetch, clock: manualClock(), secret: () => secret() })
  await target.deliver(notice)
  secret = () => key(2)
  await target.deliver(notice)
  expect(sent.map((each) => [1, 2].map((byte) => isSigned(each as never, key(byte))))).toEqual([
    [true, false],
    [false, true],
  ])
  secret = () => {
    throw new Error('the secret is gone')
  }
  expect(await target.deliver(notice)).toMatchObject({ done: false, reason: 'it could not be called' })
  secret = () => 'no key'
  expect(await target.deliver(notice)).toMatchObject({ done: false, reason: 'its secret is no signing key' })
  expect(sent).toHaveLength(2)
})

test('what upstream calls a credential is shown, also where it looks like one: it is what to look for there', async () => {
  await using store = await sqliteStore()
  const fingerprint = `ASIA${'A1B2'.repeat(4)}`
  const [lease] = await putLeases(store, { status: 'irrevocable', fingerprint })
  const event: ChainedEvent = {
    seq: 1,
    at: 0,
    type: 'lease.irrevocable',
    actor: 'broker',
    agent: 'bot',
    lease: lease!.id,
    data: { attempts: 3, reason: `refused ${fingerprint}` },
    key: 'k1',
    mac: 'm',
  }
  const told = { ...store, approvalPage: () => undefined, url: () => 'https://mayfly.acme.dev', redact }
  const { data, facts } = (await store.unit.read((tx) => noticeOf(told, tx, event)))!
  expect(data).toMatchObject({ fingerprint, reason: 'refused [redacted]' })
  expect(facts).toContainEqual(['Fingerprint', fingerprint])
})

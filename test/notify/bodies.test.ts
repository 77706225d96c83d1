import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bodyFor, targetKinds } from '../../src/notify/bodies.ts'
import type { Notice } from '../../src/notify/notice.ts'

const notice = (facts: [string, string][], data: Record<string, unknown> = {}): Notice => ({
  id: 'evt_1_a',
  type: 'approval.requested',
  at: Date.parse('2026-11-02T09:00:00Z'),
  title: 'refactor-bot waits for the yes of security',
  facts,
  command: 'mayfly admin approve appr_1 --url https://mayfly.acme.dev',
  asks: 'appr_1',
  data,
})
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4_000 }),
  fc.integer({ min: 0, max: 60_000 }).map((n) => '界'.repeat(n)),
  fc.integer({ min: 0, max: 60_000 }).map((n) => '😀'.repeat(n)),
)

test.each(targetKinds)('%s: however much there is to say, it is JSON of bounded length', (kind) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constant('Why'), text), { maxLength: 40 }), (facts) => {
      const body = bodyFor(kind, notice(facts, { purpose: facts, ttl: 5 }), 'https://a.example/appr_1')
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(24_576)
      expect(JSON.parse(body)).toBeTypeOf('object')
      expect(body.isWellFormed()).toBe(true)
    }),
    { numRuns: 60 },
  )
})

test('what did not fit is named, and the rest is whole', () => {
  const body = JSON.parse(bodyFor('generic', notice([], { purpose: 'x'.repeat(30_000), ttl: 5 }), undefined))
  expect(body.data).toEqual({
    title: 'refactor-bot waits for the yes of security',
    ttl: 5,
    truncated: ['purpose'],
  })
})

test('Slack: no field, header or section is longer than Slack takes', () => {
  const facts = Array.from({ length: 40 }, (): [string, string] => ['What', 'y'.repeat(5_000)])
  const { blocks } = JSON.parse(bodyFor('slack', { ...notice(facts), title: 'z'.repeat(400) }, undefined))
  expect(blocks.length).toBeLessThanOrEqual(50)
  expect(blocks[0].text.text.length).toBeLessThanOrEqual(150)
  for (const { fields = [] } of blocks) {
    expect(fields.length).toBeLessThanOrEqual(10)
    for (const field of fields) expect(field.text.length).toBeLessThanOrEqual(2_000)
  }
  expect(JSON.stringify(blocks)).toContain('25 more: look at the whole request')
})

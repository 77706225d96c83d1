import { describe, expect, test } from 'vitest'
import { declaredActions } from '../support/cedar-fragment.ts'
import type { Trial } from './provider-trial.ts'

export function detailContract<Config, Detail>(trial: Trial<Config, Detail>): void {
  const { details } = trial

  describe('before anything is minted', () => {
    test('a normal detail parses to itself, and again', () => {
      const { provider } = trial.subject
      for (const sample of details()) {
        expect(JSON.stringify(provider.detail.parse(sample))).toBe(JSON.stringify(sample))
      }
    })

    // The `connection` of a detail is the broker's.
    test.each(['{"extra":1}', '{"connection":"other"}', '{"__proto__":{}}'])(
      'a detail with a key that is not known is refused: %s',
      (text) => {
        const more = Object.entries(JSON.parse(text) as object)
        const raw: unknown = Object.fromEntries([...Object.entries(trial.subject.detail as object), ...more])
        expect(trial.subject.provider.detail.safeParse(raw).success).toBe(false)
      },
    )

    test("the command line's shorthand gives the detail that it stands for", () => {
      const { provider, scope, detail } = trial.subject
      expect(provider.parseScope(scope)).toEqual(detail)
      expect(provider.parseScope(provider.scopeText(detail))).toEqual(detail)
    })

    test('each shorthand that the command line shows is one', () => {
      for (const example of trial.subject.provider.scopeExamples) trial.subject.provider.parseScope(example)
      expect(trial.subject.provider.scopeExamples).not.toHaveLength(0)
    })

    test.each(['', ':', 'nonsense', '__proto__'])('a shorthand %j is refused', (text) => {
      expect(() => trial.subject.provider.parseScope(text)).toThrow()
    })

    test('the configuration is strict', () => {
      const { provider, config } = trial.subject
      expect(provider.config.safeParse(config).success).toBe(true)
      expect(provider.config.safeParse({ ...config, extra: 1 }).success).toBe(false)
    })

    test('every question to policy is one that the schema declares, in its class and on its resource', () => {
      const declared = declaredActions(trial.subject.provider.cedar)
      for (const detail of details()) {
        const requests = trial.terms.requests(detail)
        expect(requests).not.toHaveLength(0)
        for (const { action, class: group, implied, resource } of requests) {
          for (const asked of [{ action, class: group }, ...implied]) {
            expect(declared.get(asked.action)).toMatchObject({
              groups: [asked.class],
              resources: [resource.type],
            })
          }
        }
      }
    })

    test('a detail covers itself and what is narrower, and nothing wider', () => {
      const { detail, narrower, wider } = trial.subject
      expect(trial.terms.covers(detail, detail)).toBe(true)
      if (narrower !== undefined) {
        expect(trial.terms.covers(detail, narrower)).toBe(true)
        expect(trial.terms.covers(narrower, detail)).toBe(false)
      }
      for (const more of wider) expect(trial.terms.covers(detail, more)).toBe(false)
    })

    test('there is a room upstream exactly where credentials take slots', () => {
      expect(trial.connection.room !== undefined).toBe(trial.terms.slot !== undefined)
      const slot = trial.terms.slot?.(trial.subject.detail)
      if (slot) expect(trial.connection.room?.(slot.key)).toBe(slot.total)
    })

    test('it serves its own details, and says how short they may live', () => {
      expect(trial.terms.serves(trial.subject.detail)).toBe(true)
      expect(trial.terms.minTtl(trial.subject.detail)).toBeGreaterThan(0)
      expect(trial.connection.revokesAtOnce).toBeGreaterThan(0)
    })
  })
}

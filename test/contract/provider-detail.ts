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

    test.each(['{"extra":1}', '{"__proto__":{}}'])(
      'a detail with a key that is not known is refused: %s',
      (text) => {
        const more = Object.entries(JSON.parse(text) as object)
        const raw: unknown = Object.fromEntries([...Object.entries(trial.subject.detail as object), ...more])
        expect(trial.subject.provider.detail.safeParse(raw).success).toBe(false)
      },
    )

    test("the command line's shorthand gives the detail that it stands for", () => {
      expect(trial.subject.provider.parseScope(trial.subject.scope)).toEqual(trial.subject.detail)
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
        const requests = trial.connection.requests(detail)
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
      expect(trial.connection.covers(detail, detail)).toBe(true)
      if (narrower !== undefined) {
        expect(trial.connection.covers(detail, narrower)).toBe(true)
        expect(trial.connection.covers(narrower, detail)).toBe(false)
      }
      for (const more of wider) expect(trial.connection.covers(detail, more)).toBe(false)
    })

    test('it serves its own details and says how long they may live', () => {
      expect(trial.connection.serves(trial.subject.detail)).toBe(true)
      const { min, max } = trial.connection.ttl(trial.subject.detail)
      expect(min).toBeGreaterThan(0)
      expect(max).toBeGreaterThanOrEqual(min)
      expect(trial.connection.revokesAtOnce).toBeGreaterThan(0)
    })
  })
}

/** The engine's verdicts, kept so that each question is evaluated once (docs/decisions/0024). */
import type { Policies } from './compile.ts'

/** `policies` refused it; with `failed` they, or the engine, could not be evaluated, and no approval helps. */
export type Verdict = { allowed: true } | { allowed: false; policies: string[]; failed: boolean }

/** Verdicts kept of one configuration: a few hundred bytes each. */
const most = 10_000

/** Characters of the longest key that is kept: whoever says a great deal gains nothing from being remembered. */
const longestKey = 8_192

const bySet = new WeakMap<Policies, Map<string, Verdict>>()

/** Keeps verdicts under keys, each of which must tell all that the engine was asked. */
export interface Kept {
  get(key: string): Verdict | undefined
  set(key: string, verdict: Verdict): void
}

/**
 * What the engine has said under these policies. It decides purely, so a kept verdict is the
 * one that it would give again: every decision is still made afresh (invariant I12).
 */
export function remembered(policies: Policies): Kept {
  const verdicts = bySet.get(policies) ?? new Map<string, Verdict>()
  bySet.set(policies, verdicts)
  return {
    get: (key) => verdicts.get(key),
    set(key, verdict) {
      if (key.length > longestKey) return
      // All at once: who asks ten thousand different things gains nothing from any of them.
      if (verdicts.size >= most) verdicts.clear()
      verdicts.set(key, verdict)
    },
  }
}

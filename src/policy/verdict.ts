/** The engine's verdicts, kept so that each question is evaluated once (docs/decisions/0024). */
import type { Policies } from './compile.ts'

/** `policies` refused it; with `failed` they, or the engine, could not be evaluated, and no approval helps. */
export type Verdict = { allowed: true } | { allowed: false; policies: string[]; failed: boolean }

/** Verdicts kept of one configuration: a few hundred bytes each. */
const most = 10_000

/** Characters of the longest text that is kept: whoever says a great deal gains nothing from being remembered. */
const longest = 8_192

/** The verdicts on one asker's questions. */
type Verdicts = Map<string, Verdict>

interface BySet {
  askers: Map<string, Verdicts>
  /** Verdicts of all askers. */
  count: number
}

const bySet = new WeakMap<Policies, BySet>()

/** Keeps verdicts on what one asker asks, each under a key that must tell all that the engine was asked beside. */
export interface Kept {
  get(key: string): Verdict | undefined
  set(key: string, verdict: Verdict): void
}

/**
 * What the engine has said under these policies to whom `asker` describes. It decides purely, so a
 * kept verdict is the one that it would give again: every decision is still made afresh (invariant I12).
 */
export function remembered(policies: Policies, asker: string): Kept {
  const kept = bySet.get(policies) ?? { askers: new Map<string, Verdicts>(), count: 0 }
  bySet.set(policies, kept)
  const known = kept.askers.get(asker)
  return {
    get: (key) => known?.get(key),
    set(key, verdict) {
      if (asker.length + key.length > longest) return
      // All at once: who asks ten thousand different things gains nothing from any of them.
      if (kept.count >= most) {
        kept.askers.clear()
        kept.count = 0
      }
      const verdicts = kept.askers.get(asker) ?? new Map<string, Verdict>()
      kept.askers.set(asker, verdicts)
      verdicts.set(key, verdict)
      kept.count += 1
    },
  }
}

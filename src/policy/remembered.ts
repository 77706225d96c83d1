/**
 * Verdicts of one immutable set of policies, kept by the whole of what the engine
 * was asked. The engine decides purely, so a verdict found here is the one that it
 * would give again: every decision is still made afresh (invariant I12).
 */
import type { Policies } from './compile.ts'
import type { Verdict } from './evaluate.ts'

/** Verdicts kept of one configuration: a few hundred bytes each. */
const most = 10_000

const bySet = new WeakMap<Policies, Map<string, Verdict>>()

/** Gives the verdict kept under a key, which must tell all that the engine is asked, or keeps the one that `ask` gets. */
export function remembered(policies: Policies): (key: string, ask: () => Verdict) => Verdict {
  const verdicts = bySet.get(policies) ?? new Map<string, Verdict>()
  bySet.set(policies, verdicts)
  return (key, ask) => {
    const kept = verdicts.get(key)
    if (kept) return kept
    const verdict = ask()
    // All at once: who asks ten thousand different things gains nothing from any of them.
    if (verdicts.size >= most) verdicts.clear()
    verdicts.set(key, verdict)
    return verdict
  }
}

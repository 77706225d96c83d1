/** What the demo shows, as it happens. */
import { oneLine } from '../cli/print.ts'

export interface Timeline {
  /**
   * One step: under `--json` a line with `step`, `provider`, `at`, `elapsed_ms`
   * and the facts, else the time and the text. `provider` is null where none is concerned.
   */
  show(step: string, provider: string | null, text: string, facts: object): void
  /** Milliseconds since the start. */
  elapsed(): number
}

export function startTimeline(json: boolean): Timeline {
  const start = performance.now()
  const elapsed = () => Math.round(performance.now() - start)
  return {
    elapsed,
    show(step, provider, text, facts) {
      const at = elapsed()
      const line = json
        ? JSON.stringify({ step, provider, at: new Date().toISOString(), elapsed_ms: at, ...facts })
        : oneLine(
            `${(at / 1000).toFixed(2).padStart(6)} s  ${(provider ?? '').padEnd(7)} ${step.replaceAll('_', ' ').padEnd(14)} ${text}`,
          )
      process.stdout.write(`${line}\n`)
    },
  }
}

/** Prints what the demo does, as it happens. */
import { oneLine } from '../cli/print.ts'
import { wrapped } from '../cli/table.ts'

export interface Timeline {
  /**
   * One step: under `--json` a line with `step`, `provider`, `at`, `elapsed_ms`
   * and the facts, else the time and the text, in lines of 80 columns. `provider` is null where none is concerned.
   */
  show(step: string, provider: string | null, text: string, facts: object): void
  /** Milliseconds since the start. */
  elapsed(): number
}

/** Whatever screen it is shown on. */
const screen = 80
const margin = 33

const head = (at: number, provider: string, step: string) =>
  `${(at / 1000).toFixed(2).padStart(6)} s  ${provider.padEnd(7)} ${step.replaceAll('_', ' ').padEnd(14)} `

export function startTimeline(json: boolean): Timeline {
  const start = performance.now()
  const elapsed = () => Math.round(performance.now() - start)
  return {
    elapsed,
    show(step, provider, text, facts) {
      const at = elapsed()
      const lines = json
        ? [JSON.stringify({ step, provider, at: new Date().toISOString(), elapsed_ms: at, ...facts })]
        : wrapped(oneLine(text), screen - margin).map(
            (part, index) => (index === 0 ? head(at, provider ?? '', step) : head(at, '', '')) + part,
          )
      process.stdout.write(`${lines.join('\n')}\n`)
    },
  }
}

/** What a command answers on stdout. */
import { visible, visibleJson } from '../base/text.ts'

/** One JSON object under `--json`, else the lines. */
export function answer(options: { json?: boolean }, value: object, lines: readonly string[]): void {
  const text = options.json ? jsonLine(value) : lines.map(oneLine).join('\n')
  process.stdout.write(`${text}\n`)
}

/** `1 lease`, `2 leases`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** For a machine, though a person may look on. */
export function jsonLine(value: object): string {
  return visibleJson(JSON.stringify(value))
}

/** Words from elsewhere must neither break the line, nor steer the terminal, nor look like others. */
export function oneLine(text: string): string {
  return visible(text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')).trimEnd()
}

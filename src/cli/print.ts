/** What a command answers on stdout. */
import { visible, visibleJson } from '../base/text.ts'

/** One JSON object under `--json`, else the lines; `safe` where they have been made so, and are coloured since. */
export function answer(
  options: { json?: boolean },
  value: object,
  lines: readonly string[],
  { safe = false } = {},
): void {
  const text = options.json ? jsonLine(value) : (safe ? lines : lines.map(oneLine)).join('\n')
  process.stdout.write(`${text}\n`)
}

/** `1 lease`, `2 leases`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`: as much as is of interest. */
export function duration(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const
  const at = units.findIndex(([, length]) => seconds >= length)
  if (at < 0) return '0 s'
  const [[name, length], smaller] = [units[at]!, units[at + 1]]
  const rest = smaller && name !== 'min' ? Math.floor((seconds % length) / smaller[1]) : 0
  return `${Math.floor(seconds / length)} ${name}${rest > 0 ? ` ${rest} ${smaller![0]}` : ''}`
}

/** For a machine, though a person may look on. */
export function jsonLine(value: object): string {
  return visibleJson(JSON.stringify(value))
}

/** Words from elsewhere must neither break the line, nor steer the terminal, nor look like others. */
export function oneLine(text: string): string {
  return visible(text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')).trimEnd()
}

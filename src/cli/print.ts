/** What a command answers on stdout. */

/** One JSON object under `--json`, else the lines. */
export function answer(options: { json?: boolean }, value: object, lines: readonly string[]): void {
  const text = options.json ? JSON.stringify(value) : lines.map(oneLine).join('\n')
  process.stdout.write(`${text}\n`)
}

/** `1 lease`, `2 leases`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** Words from elsewhere must neither break the line nor steer the terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trimEnd()
}

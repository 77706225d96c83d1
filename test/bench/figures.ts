/** Figures of a series of measurements. */

export interface Figures {
  n: number
  p50: number
  p95: number
  p99: number
}

export function figures(series: readonly number[]): Figures {
  const sorted = series.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { n: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

export function median(series: readonly number[]): number {
  return figures(series).p50
}

/** What stands above `row`s. */
export const rowHead = `${'milliseconds'.padEnd(44)}       p50       p95       p99`

export function row(name: string, { p50, p95, p99 }: Figures): string {
  const cell = (ms: number) => ms.toFixed(2).padStart(10)
  return `${name.padEnd(44)}${cell(p50)}${cell(p95)}${cell(p99)}`
}

/** Runs `work` from `clients` loops at once until `until`, milliseconds of `performance.now`. */
export async function load(
  clients: number,
  until: number,
  work: (client: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() < until) await work(client)
    }),
  )
}

/** Runs `work` once for each of `items`, `clients` at a time, the last first. */
export async function workOff<Item>(
  clients: number,
  items: readonly Item[],
  work: (item: Item, left: number) => Promise<unknown>,
): Promise<void> {
  const left = [...items]
  const next = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item, left.length)
  }
  await Promise.all(Array.from({ length: clients }, next))
}

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90d` in milliseconds; undefined for what is no whole number and s, m, h or d. */
export function durationMs(text: string): number | undefined {
  const { count, unit } = /^(?<count>\d{1,10})(?<unit>[smhd])$/.exec(text)?.groups ?? {}
  return unit === undefined ? undefined : Number(count) * units[unit as keyof typeof units]
}

/** Events in lines for a reader. */
import type { AuditEvent } from '../../client/client.ts'

/** What is told of an event in a list, the first of these that there is. */
const telling = ['code', 'reason', 'result', 'fingerprint', 'group', 'connection', 'subject'] as const

/** The state that it led to, and the one fact that says the most. */
export function eventSummary({ status, data = {}, damaged }: AuditEvent): string {
  const name = telling.find((each) => typeof data[each] === 'string')
  const parts = [
    damaged === undefined ? undefined : `DAMAGED: ${damaged}`,
    status,
    name && `${name} ${String(data[name])}`,
  ]
  return parts.filter((part) => part !== undefined).join('; ')
}

/** All of it. */
export function eventLines({ seq, at, type, damaged, data, ...rest }: AuditEvent): string[] {
  return [
    `event ${seq} ${type} at ${at}`,
    ...(damaged === undefined ? [] : [`  DAMAGED      ${damaged}`]),
    ...Object.entries(rest).map(([name, value]) => line(name, value)),
    ...Object.entries(data ?? {}).map(([name, value]) => line(`data.${name}`, value)),
  ]
}

function line(name: string, value: unknown): string {
  return `  ${name.padEnd(12)} ${typeof value === 'string' ? value : JSON.stringify(value)}`
}

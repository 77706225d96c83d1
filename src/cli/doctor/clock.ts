/** This machine's clock, held against the `Date` of whoever answers meanwhile. */
import diagnosticsChannel from 'node:diagnostics_channel'
import type { Check } from './check.ts'

/** Tokens are accepted with a tolerance of twice this. */
const tolerableMs = 30_000

/** Where `fetch`, the platform's and undici's own, and `node:http` tell of each answer, whoever asked. */
const channels = {
  'undici:request:headers': (message: unknown) => {
    const { request, response } = message as {
      request: { origin: string }
      response: { headers: Buffer[] }
    }
    const headers = response.headers.map(String)
    const valueOf = (wanted: string) => {
      const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === wanted)
      return at < 0 ? undefined : headers[at + 1]
    }
    return { host: new URL(request.origin).host, date: valueOf('date'), age: valueOf('age') }
  },
  'http.client.response.finish': (message: unknown) => {
    const { request, response } = message as {
      request: { host: string }
      response: { headers: Record<string, string | undefined> }
    }
    return { host: request.host, date: response.headers['date'], age: response.headers['age'] }
  },
}

/** Listens until `compare`, which says by how much the clocks differ. */
export function watchClocks(): { compare(): Check[] } {
  /** Milliseconds that this machine is ahead, by host. */
  const ahead = new Map<string, number>()
  const listeners = Object.entries(channels).map(([channel, read]) => {
    const listener = (message: unknown) => {
      const { host, date, age } = read(message)
      // What a cache has kept says when it was made, and how long it lay there.
      const told = Date.parse(date ?? '') + (Number(age ?? 0) || 0) * 1000
      if (!Number.isNaN(told)) ahead.set(host, Date.now() - told)
    }
    diagnosticsChannel.subscribe(channel, listener)
    return { channel, listener }
  })
  return {
    compare() {
      for (const { channel, listener } of listeners) diagnosticsChannel.unsubscribe(channel, listener)
      return checks(ahead)
    },
  }
}

function checks(ahead: ReadonlyMap<string, number>): Check[] {
  const check = 'clock'
  if (ahead.size === 0)
    return [
      {
        check,
        status: 'warning',
        message: 'nobody answered with a time to compare this clock with',
        remedy: 'Once the issuers and upstreams can be reached, run this again.',
      },
    ]
  const off = [...ahead].filter(([, ms]) => Math.abs(ms) > tolerableMs)
  if (off.length === 0)
    return [{ check, status: 'ok', message: `within 30 seconds of ${[...ahead.keys()].join(', ')}` }]
  return off.map(([host, ms]) => ({
    check,
    status: 'warning',
    message: `${Math.round(Math.abs(ms) / 1000)} seconds ${ms > 0 ? 'ahead of' : 'behind'} ${host}`,
    remedy: 'Synchronise the clock of this machine (NTP): tokens are refused beyond 60 seconds.',
  }))
}

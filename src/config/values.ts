/** Schemas of single values in `mayfly.yaml`: addresses, origins, durations, stores, heads. */
import { BlockList, isIP } from 'node:net'
import { unescape } from 'node:querystring'
import { z } from 'zod'
import { durationMs } from '../base/duration.ts'
import { endpointFault } from '../base/endpoint.ts'
import type { StoreAddress } from '../store/address.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

export interface Listen {
  /** An address without brackets, or `localhost`. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

/** Whether only this machine can connect. */
export function isLocal({ host }: Listen): boolean {
  return host === 'localhost' || loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
}

export const listen = z.string().transform((text, issues): Listen => {
  const {
    host = '',
    v6,
    port,
  } = /^(?:(?<host>[^:[\]]+)|\[(?<v6>.+)\]):(?<port>\d{1,5})$/.exec(text)?.groups ?? {}
  const known = v6 === undefined ? host === 'localhost' || isIP(host) === 4 : isIP(v6) === 6
  if (known && Number(port) < 65_536) return Object.freeze({ host: v6 ?? host, port: Number(port) })
  issues.addIssue({
    code: 'custom',
    message: 'is not an address and a port',
    params: { remedy: 'Write ADDRESS:PORT, as 127.0.0.1:8420, [::1]:8420 or 0.0.0.0:8420.' },
  })
  return z.NEVER
})

/** An origin: anything behind it would not be part of what browsers and upstreams compare. */
export const origin = z.string().superRefine((raw, issues) => {
  const fault = endpointFault(raw)
  if (fault !== undefined)
    issues.addIssue({
      code: 'custom',
      message: fault,
      params: { remedy: 'Write https://HOST, or http://localhost:PORT.' },
    })
  else if (new URL(raw).origin !== raw)
    issues.addIssue({
      code: 'custom',
      message: 'is not an origin alone',
      params: { remedy: `Write ${new URL(raw).origin}.` },
    })
})

/** An address or a block of them; never a block of all, which would let anyone forge where they come from. */
export const proxy = z.string().refine(
  (text) => {
    const [address = '', bits, ...rest] = text.split('/')
    const version = isIP(address)
    if (version === 0 || rest.length > 0) return false
    return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
  },
  {
    error: 'is not an IP address, nor a block of them',
    params: { remedy: 'Write an address or a block, as 10.0.0.7 or 10.0.0.0/24.' },
  },
)

const hour = 3_600_000
const century = 36_525 * 24 * hour

/** `90d` to milliseconds, an hour or more: a task can be looked up for an hour after its end. */
export const duration = z.string().transform((text, issues): number => {
  const ms = durationMs(text)
  if (ms !== undefined && ms >= hour && ms <= century) return ms
  issues.addIssue({
    code: 'custom',
    message: 'is not a duration of an hour to a hundred years',
    params: { remedy: 'Write a whole number and s, m, h or d, as 90d.' },
  })
  return z.NEVER
})

export const store = z.string().transform((text, issues): StoreAddress => {
  const path = /^sqlite:(?!\/\/)(?<path>.+)$/.exec(text)?.groups?.['path']
  // A store in memory forgets live credentials with the process (invariant I1).
  if (path !== undefined && path !== ':memory:') return { kind: 'sqlite', path }
  const url = postgresUrl(text)
  if (url !== undefined) return { kind: 'postgres', url }
  issues.addIssue({
    code: 'custom',
    message: 'is not a store',
    params: { remedy: 'Write sqlite:PATH or postgres://HOST/DATABASE.' },
  })
  return z.NEVER
})

/**
 * What PostgreSQL's own programs take for an address (its manual, §34.1.1.2) as Node's URL can hold it: where the
 * host is left out, and a parameter or `PGHOST` says it, whoever connects and the port are parameters too.
 */
function postgresUrl(text: string): string | undefined {
  if (!/^postgres(?:ql)?:\/\//.test(text)) return undefined
  if (URL.canParse(text)) return text
  const hostless =
    /^(?<scheme>\w+:\/\/)(?:(?<user>[^/?#@:]*)(?::(?<password>[^/?#@]*))?@)?(?::(?<port>\d+))?(?<rest>[/?].*)?$/
  const { scheme, rest = '', ...before } = hostless.exec(text)?.groups ?? {}
  if (scheme === undefined || !URL.canParse(scheme + rest)) return undefined
  const url = new URL(scheme + rest)
  for (const [name, value] of Object.entries(before))
    if (value && !url.searchParams.has(name)) url.searchParams.set(name, unescape(value))
  return url.href
}

/** Where the head of the record goes with every commit. */
export type Heads =
  | { readonly kind: 'log' }
  | { readonly kind: 'file'; readonly path: string }
  /** RFC 5426: over UDP. */
  | { readonly kind: 'syslog'; readonly host: string; readonly port: number }

export const heads = z.union([
  z.literal('log').transform((kind): Heads => ({ kind })),
  z.strictObject({ file: z.string().min(1) }).transform(({ file: path }): Heads => ({ kind: 'file', path })),
  z.strictObject({ syslog: z.string() }).transform(({ syslog }, issues): Heads => {
    const { v6, name, port } =
      /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<name>[^:[\]\s]+)):(?<port>\d{1,5})$/i.exec(syslog)?.groups ?? {}
    const host = v6 ?? name
    if (host !== undefined && Number(port) > 0 && Number(port) < 65_536)
      return { kind: 'syslog', host, port: Number(port) }
    issues.addIssue({
      code: 'custom',
      message: 'is not the address of a syslog server',
      path: ['syslog'],
      params: { remedy: 'Write HOST:PORT, as logs.acme.dev:514.' },
    })
    return z.NEVER
  }),
])

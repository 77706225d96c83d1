/**
 * Asking a broker for its public facts, so that nobody has to type them (docs/decisions/0050).
 * Whoever answers in its place could send people to log in with an issuer of theirs: only what
 * comes over a connection that is trusted is believed.
 */
import { X509Certificate } from 'node:crypto'
import { isLoopback } from '../../base/endpoint.ts'
import { networkFault } from '../../outbound/network-fault.ts'
import { outboundFetch } from '../../outbound/fetch.ts'
import { type BrokerFacts, knownBroker, type LoginIssuer, rememberBroker } from './brokers.ts'
import { brokerFacts } from './facts.ts'
import type { Environment } from './files.ts'
import { fetchUnverified } from './unverified.ts'

/** It cannot be trusted, or has not answered as a broker does. */
export class NotBootstrapped extends Error {
  /** What to do about it, one line. */
  readonly remedy: string

  constructor(message: string, remedy: string) {
    super(message)
    this.name = 'NotBootstrapped'
    this.remedy = remedy
  }
}

export interface Bootstrap {
  url: string
  env: Environment
  /** PEM: the CA that the certificate has to come from. */
  ca?: readonly string[] | undefined
  /** SHA-256 of that CA, as whoever runs the broker has told it: in hexadecimal, with or without colons. */
  fingerprint?: string | undefined
  /** Whether what was known of this broker may be replaced by something else. */
  replace?: boolean | undefined
}

/** By what the broker was believed. */
export type Trust =
  | { by: 'loopback' }
  /** Of this system. */
  | { by: 'system' }
  /** Which was given, by itself or by its fingerprint. */
  | { by: 'ca'; fingerprint: string }

export interface Bootstrapped {
  facts: BrokerFacts
  trust: Trust
  /** Where it is kept. */
  file: string
}

const longest = 262_144
const patienceMs = 30_000

/** @throws NotBootstrapped, UnsafeFile */
export async function bootstrap({
  url,
  env,
  ca,
  fingerprint,
  replace = false,
}: Bootstrap): Promise<Bootstrapped> {
  const pinned = fingerprint === undefined ? ca : [await caOf(url, fingerprint)]
  const asked = await ask(url, outboundFetch({ env, ca: pinned }))
  // What it says it is trusted by has to be what its certificate comes from, or no later call would work.
  const own = pinned ?? (isLoopback(url) ? undefined : (asked.ca ?? undefined))
  const facts = own && own !== pinned ? await ask(url, outboundFetch({ env, ca: own })) : asked
  if (facts.url !== url)
    throw new NotBootstrapped(
      `the broker at ${url} calls itself ${facts.url}`,
      `Use its own url: mayfly bootstrap ${facts.url}`,
    )
  const known: BrokerFacts = { ...facts, ca: own ? [...own] : null }
  requireSame(knownBroker(env, url), known, replace)
  return { facts: known, trust: trustIn(url, pinned), file: await rememberBroker(env, known) }
}

function trustIn(url: string, pinned: readonly string[] | undefined): Trust {
  if (pinned) return { by: 'ca', fingerprint: pinned.map(fingerprintOf).join(', ') }
  return { by: new URL(url).protocol === 'http:' ? 'loopback' : 'system' }
}

/** A broker that is taken over must not send those who know it to another issuer unnoticed. */
function requireSame(before: BrokerFacts | undefined, now: BrokerFacts, replace: boolean): void {
  if (!before || replace) return
  const where = (issuers: readonly LoginIssuer[]) =>
    issuers.map((each) => `${each.issuer} as ${[each.client_id, each.admin_client_id].join(' and ')}`)
  const [old, fresh] = [where(before.issuers), where(now.issuers)]
  const differs =
    JSON.stringify([old, before.ca]) !== JSON.stringify([fresh, now.ca]) ||
    JSON.stringify(before.issuers.map(({ ca }) => ca)) !== JSON.stringify(now.issuers.map(({ ca }) => ca))
  if (!differs) return
  throw new NotBootstrapped(
    `the broker says otherwise than before: people logged in at ${old.join(', ') || 'none'}, now at ${fresh.join(', ') || 'none'}; or another CA`,
    'Ask whoever runs the broker whether they changed it, then give --replace.',
  )
}

async function ask(url: string, call: typeof globalThis.fetch): Promise<BrokerFacts> {
  let answer: unknown
  try {
    const response = await call(`${url}/.well-known/mayfly-client`, {
      headers: { Accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMs),
    })
    if (!response.ok) {
      await response.body?.cancel()
      throw new NotBootstrapped(
        `${url} answers ${response.status} where a broker tells what clients need`,
        'Check the url; a broker of before this version tells nothing.',
      )
    }
    answer = JSON.parse(await textOf(response))
  } catch (error) {
    if (error instanceof NotBootstrapped) throw error
    const fault = networkFault(error)
    if (fault?.words.includes('CA that is not trusted'))
      throw new NotBootstrapped(
        `${url}: ${fault.words}`,
        'Get its CA, or the fingerprint of it, from whoever runs the broker, not from the connection: --ca FILE or --fingerprint SHA256.',
      )
    throw new NotBootstrapped(
      `${url}: ${fault?.words ?? 'its answer cannot be read'}`,
      fault?.remedy ?? 'Check that a broker runs there.',
    )
  }
  const facts = brokerFacts.safeParse(answer)
  if (facts.success) return facts.data
  throw new NotBootstrapped(
    `${url} does not answer as a broker does: ${facts.error.issues[0]?.path.join('.') || 'it'} is not usable`,
    'Check the url.',
  )
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > longest) throw new Error('too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The CA with this fingerprint that the broker at `url` says it has. Nothing else of what it says is believed. */
async function caOf(url: string, fingerprint: string): Promise<string> {
  const wanted = plain(fingerprint)
  if (wanted.length !== 64)
    throw new NotBootstrapped(
      'this is no fingerprint',
      'Give the SHA-256 of the CA: openssl x509 -in ca.pem -noout -fingerprint -sha256',
    )
  const { ca } = await ask(url, fetchUnverified)
  const found = ca?.find((pem) => plain(fingerprintOf(pem)) === wanted)
  if (found !== undefined) return found
  const shown = ca?.map(fingerprintOf).join(', ') ?? 'none'
  throw new NotBootstrapped(
    `the broker at ${url} has no CA with this fingerprint; it shows ${shown}`,
    'Trust nothing of it. Ask whoever runs the broker for the fingerprint of its CA, by another way.',
  )
}

function fingerprintOf(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256
  } catch {
    return 'a broken certificate'
  }
}

const plain = (fingerprint: string) => fingerprint.replaceAll(/[^0-9A-Fa-f]/g, '').toLowerCase()

/** A receiver of notices, as the configuration has it, and one delivery to it. */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { name } from '../agents/agent.ts'
import { type Clock, withinLimit } from '../base/clock.ts'
import { endpointFault } from '../base/endpoint.ts'
import { networkFault } from '../outbound/network-fault.ts'
import type { UpstreamFetch, UpstreamInit } from '../outbound/upstream-fetch.ts'
import { secondsIn } from '../provider/answers.ts'
import { secretRef, type SecretRef } from '../provider/secret-ref.ts'
import { bodyFor, targetKinds } from './bodies.ts'
import type { Handed } from './follow.ts'
import type { Notice } from './notice.ts'

const webhook = z.string().superRefine((raw, issues) => {
  const message = webhookFault(raw)
  if (message !== undefined) issues.addIssue({ code: 'custom', message })
})

/** One entry of `notify`. */
export const notifyEntry = z
  .strictObject({
    name: name.describe('A name for this receiver. What it has had is remembered under it.'),
    kind: z.enum(targetKinds).describe('What it takes: generic (Standard Webhooks), slack or teams.'),
    url: z
      .union([webhook, secretRef])
      .describe('Where to POST to, https; a secret where whoever knows it may write there.'),
    secret: secretRef
      .optional()
      .describe('What deliveries are signed with: 24 to 64 random bytes in base64, perhaps after whsec_.'),
    link: webhook
      .refine((link) => link.includes('{approval}'), { error: 'must have {approval} where its id belongs' })
      .optional()
      .describe(
        'A page of your own on which a request is answered, with {approval} for its id. Default: the console of the broker.',
      ),
    ca: z.string().min(1).optional().describe('A PEM file with the CA of this receiver.'),
  })
  .refine(({ kind, secret }) => kind !== 'generic' || secret !== undefined, {
    path: ['secret'],
    error: 'is missing: its receiver could not tell a genuine notice from another',
    params: { remedy: 'Name a secret: { file: PATH } or { env: NAME }.' },
  })
export type NotifyEntry = z.infer<typeof notifyEntry>

/** Somewhere that notices are sent. */
export interface Target {
  readonly name: string
  /** Whether anything answers there, without a notice being sent. */
  reach(signal: AbortSignal): Promise<Handed>
  deliver(notice: Notice): Promise<Handed>
}

/** Milliseconds that a delivery may take. */
const withinMs = 10_000

/**
 * What is wrong with `raw` as the URL of a receiver, worded to follow the name of the setting.
 * Unlike other URLs it may have a query, which Teams' are told apart by, and say `:443`.
 */
export function webhookFault(raw: string): string | undefined {
  const [, base = '', query = ''] = /^([^?]*)(\?.*)?$/s.exec(raw) ?? []
  if (!/^[\x21-\x7e]*$/.test(query) || /[\\#]/.test(query))
    return 'must have a query of printable ASCII without a fragment, backslash or space'
  // A receiver's page may stand for an id that is filled in.
  const written = base.replace(/^(https:\/\/[^/:]+):443(?=\/|$)/, '$1').replaceAll('{approval}', 'approval')
  const fault = endpointFault(written)
  if (fault !== undefined) return fault
  // Where clouds hand out the credentials of their machines: nobody's receiver is there.
  return /^https?:\/\/(?:169\.254\.|\[fe[89ab])/.test(written)
    ? 'must not be a link-local address'
    : undefined
}

/** The bytes of a signing key; undefined for what is none. */
export function signingKey(text: string): Buffer | undefined {
  const written = text.replace(/^whsec_/, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(written)) return undefined
  const key = Buffer.from(written, 'base64')
  return key.length >= 24 && key.length <= 64 ? key : undefined
}

/** `secret` is read for each delivery, so that a rotated one counts at once. */
export function createTarget(
  { name, kind, url, secret, link }: NotifyEntry,
  given: { fetch: UpstreamFetch; clock: Clock; secret: (ref: SecretRef) => string },
): Target {
  const { fetch, clock } = given

  async function send(init: UpstreamInit): Promise<Handed> {
    const at = typeof url === 'string' ? url : given.secret(url)
    if (webhookFault(at) !== undefined) return failed('its url cannot be used')
    // Redirects are not followed: whoever answers there must not choose where else this goes.
    const { status, headers } = await fetch(at, { ...init, redirect: 'manual' })
    if (status >= 200 && status < 300) return { done: true }
    return failed(`it answered ${status}`, secondsIn(headers.get('retry-after')))
  }

  async function told(work: () => Promise<Handed>): Promise<Handed> {
    try {
      return await work()
    } catch (error) {
      // The error itself may quote the URL, which may be a secret.
      const late = error instanceof Error && error.name === 'TimeoutError'
      return failed(
        networkFault(error)?.words ?? (late ? 'it did not answer in time' : 'it could not be called'),
      )
    }
  }

  return {
    name,
    reach: (signal) =>
      told(async () => {
        const answer = await send({ method: 'HEAD', signal })
        // That it does not take this is an answer.
        return answer.done || !answer.reason.startsWith('it answered 4') ? answer : { done: true }
      }),
    deliver: (notice) =>
      told(() =>
        withinLimit(clock, withinMs, async (signal) => {
          const { asks, page: own } = notice
          const page = asks === undefined ? undefined : (link?.replaceAll('{approval}', asks) ?? own)
          const body = bodyFor(kind, notice, page)
          const key = secret && signingKey(given.secret(secret))
          if (secret && !key) return failed('its secret is no signing key')
          const signed = key ? signature(key, notice.id, Math.floor(clock.now() / 1000), body) : {}
          const headers = { 'Content-Type': 'application/json', 'User-Agent': 'mayfly', ...signed }
          return await send({ method: 'POST', headers, body, signal })
        }),
      ),
  }
}

function failed(reason: string, retryAfter?: number): Handed {
  return { done: false, reason, retryAfter }
}

/** Standard Webhooks 1.0, "Signature scheme": HMAC-SHA256 over id, time of the attempt and body. */
function signature(key: Buffer, id: string, seconds: number, body: string): Record<string, string> {
  const mac = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${mac}` }
}

/** `mayfly.yaml` as far as it does not depend on providers (design §8). */
import { z } from 'zod'
import { name } from '../agents/agent.ts'
import { secretRef, type SecretRef } from '../provider/secret-ref.ts'
import { duration, heads, listen, origin, proxy, store } from './values.ts'

const path = z.string().min(1)
/** The most is as good as none: whoever wants no limit has to say so. */
const bound = z.int().min(1).max(1_000_000_000)

export interface Limits {
  readonly requestsPerMinute: { readonly agent: number; readonly address: number }
  /** Refused before anyone is known. */
  readonly failuresPerMinute: { readonly address: number }
  readonly liveLeases: { readonly task: number; readonly agent: number }
  /** Of one agent; those that wait for approval are open too. */
  readonly openTasks: number
  readonly pendingApprovals: number
  /** Seconds. */
  readonly approvalWindow: number
  readonly bodyBytes: number
}

/** So many of an agent's: as a number, or as its neighbours are written. */
const ofAgent = (most: number) =>
  z.union([bound, z.strictObject({ agent: bound }).transform(({ agent }) => agent)]).default(most)

const limits = z
  .strictObject({
    requests_per_minute: z
      .strictObject({ agent: bound.default(1200), address: bound.default(6000) })
      .prefault({}),
    failures_per_minute: z.strictObject({ address: bound.default(300) }).prefault({}),
    live_leases: z
      .strictObject({
        task: bound.default(50),
        agent: bound.default(500),
      })
      .prefault({}),
    open_tasks: ofAgent(1000),
    pending_approvals: ofAgent(50),
    approval_window: z.int().min(1).max(604_800).default(3600),
    body_bytes: z.int().min(1024).max(1_048_576).default(65_536),
  })
  .transform((written): Limits => ({
    requestsPerMinute: written.requests_per_minute,
    failuresPerMinute: written.failures_per_minute,
    liveLeases: written.live_leases,
    openTasks: written.open_tasks,
    pendingApprovals: written.pending_approvals,
    approvalWindow: written.approval_window,
    bodyBytes: written.body_bytes,
  }))

const seal = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        // What is sealed begins with the id and a dot.
        id: z
          .string()
          .max(64)
          .refine((id) => /^[A-Za-z0-9_-]+$/.test(id), {
            error: 'an id holds only letters, digits, `_` and `-`',
            params: { remedy: 'Choose such an id, as k1.' },
          }),
        secret: secretRef,
        /** Every key but the first only unseals; this says so in the file. */
        retired: z.boolean().default(false),
      }),
    )
    .min(1)
    .refine(([first]) => first?.retired !== true, {
      path: [0, 'retired'],
      error: 'the first key is the one that seals',
      params: { remedy: 'Put the key that seals from now on before it.' },
    }),
})

/** What is the broker's own in an entry under `providers`. */
export const connectionKeys = z.looseObject({
  name,
  ca: path.optional(),
  retired: z.boolean().default(false),
  /** The most calls at once. */
  concurrency: z.int().min(1).max(1000).default(100),
})

/** By key: each is parsed alone, so that a fault in one hides none in another. */
export const configurationFile = {
  url: origin,
  listen: listen.prefault('127.0.0.1:8420'),
  trusted_proxies: z.array(proxy).default([]),
  tls: z
    .strictObject({
      // Both as a path or as a secret is written: a pair is seldom written in two ways.
      cert: z.union([path, z.strictObject({ file: path }).transform(({ file }) => file)]),
      key: z.union([path.transform((file): SecretRef => ({ file })), secretRef]),
    })
    .optional(),
  store: z.union([store, secretRef]).prefault('sqlite:./mayfly.db'),
  seal,
  audit: z.strictObject({ heads: heads.prefault('log'), last_head: path.optional() }).prefault({}),
  agents: path.default('./agents'),
  policies: path.default('./policies'),
  /** Each is parsed by `identity/issuer.ts`. */
  issuers: z.record(z.string(), z.unknown()),
  /** Each is parsed by its provider, but for `connectionKeys`. */
  providers: z.record(z.string(), z.array(z.unknown())).default({}),
  /** Each is parsed by `control/admins.ts`. */
  admins: z.array(z.unknown()).default([]),
  limits: limits.prefault({}),
  retention: z
    .strictObject({ tasks: duration.prefault('90d'), audit: duration.prefault('400d') })
    .prefault({}),
}

type Written = typeof configurationFile
export type ConfigurationFile = { [Key in keyof Written]: z.infer<Written[Key]> }

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
  z
    .union([
      bound,
      z
        .strictObject({ agent: bound.describe('Of one agent, or one person of an agent owned by a claim.') })
        .transform(({ agent }) => agent),
    ])
    .default(most)

const limits = z
  .strictObject({
    requests_per_minute: z
      .strictObject({
        agent: bound.default(1200).describe('Of one agent, or one person of an agent owned by a claim.'),
        address: bound.default(6000).describe('Of one address; a whole /64 of IPv6.'),
      })
      .prefault({})
      .describe('How many requests are answered in a minute; counted in memory.'),
    failures_per_minute: z
      .strictObject({ address: bound.default(300).describe('Of one address.') })
      .prefault({})
      .describe('How many tokens of one address may be refused in a minute before others of it are.'),
    live_leases: z
      .strictObject({
        task: bound.default(50).describe('Of one task.'),
        agent: bound
          .default(500)
          .describe('Of all tasks of one agent, or of one person of an agent owned by a claim.'),
      })
      .prefault({})
      .describe('How many credentials may be alive at once; counted in the store.'),
    open_tasks: ofAgent(1000).describe(
      'How many tasks an agent may have open, those that wait for approval among them.',
    ),
    pending_approvals: ofAgent(50).describe('How many tasks of an agent may wait for approval.'),
    approval_window: z
      .int()
      .min(1)
      .max(604_800)
      .default(3600)
      .describe('Seconds that a task waits for its approvals.'),
    body_bytes: z
      .int()
      .min(1024)
      .max(1_048_576)
      .default(65_536)
      .describe('The longest body of a request, in bytes.'),
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
          })
          .describe('The name of the key; it stands before whatever the key has sealed.'),
        secret: secretRef.describe('32 random bytes in base64, as `openssl rand -base64 32` makes them.'),
        /** Every key but the first only unseals; this says so in the file. */
        retired: z.boolean().default(false).describe('Says that the key only unseals.'),
      }),
    )
    .min(1)
    .refine(([first]) => first?.retired !== true, {
      path: [0, 'retired'],
      error: 'the first key is the one that seals',
      params: { remedy: 'Put the key that seals from now on before it.' },
    })
    .describe('The first seals, all unseal.'),
})

/** What is the broker's own in an entry under `providers`. */
export const connectionKeys = z.looseObject({
  name: name.describe('A name for this connection.'),
  ca: path.optional().describe('A PEM file with the CA of this upstream; no other is trusted for it.'),
  retired: z.boolean().default(false).describe('Nothing more is minted here; what was is still revoked.'),
  concurrency: z.int().min(1).max(1000).default(100).describe('The most calls at once.'),
})

/** By key: each is parsed alone, so that a fault in one hides none in another. */
export const configurationFile = {
  url: origin.describe("The broker's public origin, https://HOST; also the audience that tokens must have."),
  listen: listen
    .prefault('127.0.0.1:8420')
    .describe('ADDRESS:PORT to listen on. One that others can reach needs `tls` or `trusted_proxies`.'),
  trusted_proxies: z
    .array(proxy)
    .default([])
    .describe('Addresses and blocks of the proxies whose X-Forwarded-For counts.'),
  tls: z
    .strictObject({
      // Both as a path or as a secret is written: a pair is seldom written in two ways.
      cert: z
        .union([path, z.strictObject({ file: path }).transform(({ file }) => file)])
        .describe('The certificate and those up to its CA: a PEM file.'),
      key: z
        .union([path.transform((file): SecretRef => ({ file })), secretRef])
        .describe('Its private key: a PEM file, or a secret.'),
    })
    .optional()
    .describe('The certificate to serve, where no proxy in front does.'),
  store: z
    .union([
      store,
      secretRef,
      z.strictObject({
        url: z.union([store, secretRef]).describe('postgres://USER@HOST/DATABASE, best as a secret.'),
        ca: path.optional().describe('A PEM file with the CA of the server; no other is trusted for it.'),
        pool: z.int().min(4).max(1000).default(10).describe('The most connections at once.'),
      }),
    ])
    .prefault('sqlite:./mayfly.db')
    .describe(
      'Where everything is kept: sqlite:PATH, for one broker, or postgres://HOST/DATABASE, for several.',
    ),
  client: z
    .strictObject({
      ca: path
        .optional()
        .describe('The CA of the certificate that clients see, where it is your own: a PEM file.'),
    })
    .prefault({})
    .describe('What `mayfly bootstrap` tells clients, besides `login` of the issuers. Public.'),
  seal: seal.describe('What seals secrets at rest and signs the record.'),
  audit: z
    .strictObject({
      heads: heads
        .prefault('log')
        .describe(
          'Where the head of the record goes with each commit: log, { file: PATH } or { syslog: HOST:PORT }.',
        ),
      last_head: path.optional().describe('The file outside the store in which its newest head is kept.'),
    })
    .prefault({})
    .describe('The record.'),
  agents: path.default('./agents').describe('The directory of agent files, *.yaml.'),
  policies: path.default('./policies').describe('The directory of policies, *.cedar.'),
  /** Each is parsed by `identity/issuer.ts`. */
  issuers: z
    .record(z.string(), z.unknown())
    .describe('Whose tokens are believed, each under a name of your choice.'),
  /** Each is parsed by its provider, but for `connectionKeys`. */
  providers: z
    .record(z.string(), z.array(z.unknown()))
    .default({})
    .describe('What mints credentials: a list of connections for each kind.'),
  /** Each is parsed by `control/admins.ts`. */
  admins: z.array(z.unknown()).default([]).describe('The humans who can look, approve and stop.'),
  /** Each is parsed by `notify/target.ts`. */
  notify: z
    .array(z.unknown())
    .default([])
    .describe('Who is told of approvals, suspensions and what else waits for somebody.'),
  limits: limits.prefault({}).describe('How much is served at once.'),
  retention: z
    .strictObject({
      tasks: duration
        .prefault('90d')
        .describe('Tasks, with their leases and approvals, from their end, as 90d.'),
      audit: duration.prefault('400d').describe('Events of the record, as 400d.'),
    })
    .prefault({})
    .describe('How long what has ended is kept.'),
}

type Written = typeof configurationFile
export type ConfigurationFile = { [Key in keyof Written]: z.infer<Written[Key]> }

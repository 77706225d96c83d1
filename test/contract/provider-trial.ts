import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { ProviderError } from '../../src/provider/failure.ts'
import type { Handle, Intent, Minted, Upstream } from '../../src/provider/upstream.ts'
import type { Terms } from '../../src/provider/terms.ts'
import type { RequestLine } from '../../src/sandbox/faults.ts'
import type { LedgerEntry } from '../../src/sandbox/ledger.ts'
import type { Subject } from './provider-subject.ts'

/** A subject, and what the parts of the suite do with it: `subject`, `terms` and `connection` are there once a test runs. */
export type Trial<Config, Detail> = ReturnType<typeof tried<Config, Detail>>

/** Sets the subject up for the suite; each test begins without faults, with a connection that has done nothing yet. */
export function tried<Config, Detail>(setup: () => Promise<Subject<Config, Detail>>) {
  let subject: Subject<Config, Detail>
  let terms: Terms<Detail>
  let connection: Upstream<Detail>
  let standing: Handle[]

  beforeAll(async () => {
    subject = await setup()
  })
  beforeEach(async () => {
    subject.faults.clear()
    standing = []
    terms = subject.provider.terms(subject.config)
    connection = await subject.provider.connect(subject.config, subject.context)
  })
  afterAll(() => subject?.close?.())

  const patient = () => ({ signal: new AbortController().signal })
  const intentOf = (detail: Detail): Intent<Detail> => ({
    leaseId: `lease_${crypto.randomUUID()}`,
    taskId: 'task_contract',
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    detail,
    createdAt: subject.clock.now(),
    deadline: subject.clock.now() + 900_000,
  })
  const mint = (options = patient(), from = connection) =>
    from.mint(subject.detail, intentOf(subject.detail), options)

  return {
    get subject() {
      return subject
    },
    get terms() {
      return terms
    },
    get connection() {
      return connection
    },
    details: () =>
      [subject.detail, subject.narrower, ...subject.wider].filter((detail) => detail !== undefined),
    patient,
    intentOf,
    mint,
    async failedMint(options = patient(), from = connection): Promise<ProviderError> {
      const outcome: unknown = await mint(options, from).catch((error: unknown) => error)
      expect(outcome).toBeInstanceOf(ProviderError)
      return outcome as ProviderError
    },
    /** Through JSON, as a handle comes back from the store. */
    revoke(handles: Handle[], options = patient(), from = connection) {
      const stored = JSON.parse(JSON.stringify(handles)) as Handle[]
      standing.push(...stored)
      return from.revoke(stored, { standing: () => Promise.resolve(standing), ...options })
    },
    entryOf(minted: Minted): LedgerEntry {
      const entry = subject.ledger.find(subject.secretOf(minted))
      if (!entry) throw new Error('upstream never minted this credential')
      return entry
    },
    alive: () => subject.ledger.alive(subject.clock.now()),
    /** As long as a revocation may take to be in force. */
    propagated: () => subject.clock.advance(subject.propagation ?? 0),
    revocable: () => terms.revocation(subject.detail) !== 'expiry',
    /** A hang, and the moment at which the request that it holds has arrived. */
    hang: (on: (request: RequestLine) => boolean) =>
      new Promise<void>((resolve) => {
        subject.faults.add({
          kind: 'hang',
          on(request) {
            if (on(request)) resolve()
            return on(request)
          },
        })
      }),
  }
}

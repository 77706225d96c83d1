/** The provider contract (`src/provider.ts`) as tests. Every provider runs them against its strict local counterpart. */
import { asTimePasses } from '../support/clock.ts'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ProviderError, type Connection, type Handle, type Intent, type Minted } from '../../src/provider.ts'
import type { RequestLine } from '../../src/sandbox/faults.ts'
import type { LedgerEntry } from '../../src/sandbox/ledger.ts'
import { declaredActions } from './provider-cedar.ts'
import type { Subject } from './provider-subject.ts'

export function providerContract<Config, Detail>(
  name: string,
  setup: () => Promise<Subject<Config, Detail>>,
): void {
  describe(`the provider ${name}`, () => {
    let subject: Subject<Config, Detail>
    let connection: Connection<Detail>
    let standing: Handle[]

    beforeAll(async () => {
      subject = await setup()
    })
    beforeEach(() => {
      subject.faults.clear()
      standing = []
      connection = subject.provider.connect(subject.config, subject.context)
    })
    afterAll(() => subject?.close?.())

    const details = () =>
      [subject.detail, subject.narrower, ...subject.wider].filter((detail) => detail !== undefined)
    const patient = () => ({ signal: new AbortController().signal })
    const intentOf = (detail: Detail): Intent<Detail> => ({
      leaseId: `lease_${crypto.randomUUID()}`,
      taskId: 'task_contract',
      agent: 'refactor-bot',
      owner: 'platform@acme.dev',
      detail,
      createdAt: subject.clock.now(),
      deadline: subject.clock.now() + 900_000,
    })
    const mint = (options = patient(), from = connection) =>
      from.mint(subject.detail, intentOf(subject.detail), options)
    const failedMint = async (options = patient(), from = connection): Promise<ProviderError> => {
      const outcome: unknown = await mint(options, from).catch((error: unknown) => error)
      expect(outcome).toBeInstanceOf(ProviderError)
      return outcome as ProviderError
    }
    /** Through JSON, as a handle comes back from the store. */
    const revoke = (handles: Handle[], options = patient(), from = connection) => {
      const stored = JSON.parse(JSON.stringify(handles)) as Handle[]
      standing.push(...stored)
      return from.revoke(stored, { standing: () => Promise.resolve(standing), ...options })
    }
    const entryOf = (minted: Minted): LedgerEntry => {
      const entry = subject.ledger.find(subject.secretOf(minted))
      if (!entry) throw new Error('upstream never minted this credential')
      return entry
    }
    const alive = () => subject.ledger.alive(subject.clock.now())
    /** As long as a revocation may take to be in force. */
    const propagated = () => subject.clock.advance(subject.propagation ?? 0)
    const revocable = () => connection.revocation(subject.detail) !== 'expiry'
    /** A hang, and the moment at which the request that it holds has arrived. */
    const hang = (on: (request: RequestLine) => boolean) =>
      new Promise<void>((resolve) => {
        subject.faults.add({
          kind: 'hang',
          on(request) {
            if (on(request)) resolve()
            return on(request)
          },
        })
      })

    describe('before anything is minted', () => {
      test('a normal detail parses to itself, and again', () => {
        const { provider } = subject
        for (const sample of details()) {
          expect(JSON.stringify(provider.detail.parse(sample))).toBe(JSON.stringify(sample))
        }
      })

      test.each(['{"extra":1}', '{"__proto__":{}}'])(
        'a detail with a key that is not known is refused: %s',
        (text) => {
          const more = Object.entries(JSON.parse(text) as object)
          const raw: unknown = Object.fromEntries([...Object.entries(subject.detail as object), ...more])
          expect(subject.provider.detail.safeParse(raw).success).toBe(false)
        },
      )

      test("the command line's shorthand gives the detail that it stands for", () => {
        expect(subject.provider.parseScope(subject.scope)).toEqual(subject.detail)
      })

      test.each(['', ':', 'nonsense', '__proto__'])('a shorthand %j is refused', (text) => {
        expect(() => subject.provider.parseScope(text)).toThrow()
      })

      test('the configuration is strict', () => {
        const { provider, config } = subject
        expect(provider.config.safeParse(config).success).toBe(true)
        expect(provider.config.safeParse({ ...config, extra: 1 }).success).toBe(false)
      })

      test('every question to policy is one that the schema declares, in its class and on its resource', () => {
        const declared = declaredActions(subject.provider.cedar)
        for (const detail of details()) {
          const requests = connection.requests(detail)
          expect(requests).not.toHaveLength(0)
          for (const { action, class: group, implied, resource } of requests) {
            for (const asked of [{ action, class: group }, ...implied]) {
              expect(declared.get(asked.action)).toMatchObject({
                groups: [asked.class],
                resources: [resource.type],
              })
            }
          }
        }
      })

      test('a detail covers itself and what is narrower, and nothing wider', () => {
        const { detail, narrower, wider } = subject
        expect(connection.covers(detail, detail)).toBe(true)
        if (narrower !== undefined) {
          expect(connection.covers(detail, narrower)).toBe(true)
          expect(connection.covers(narrower, detail)).toBe(false)
        }
        for (const more of wider) expect(connection.covers(detail, more)).toBe(false)
      })

      test('it serves its own details and says how long they may live', () => {
        expect(connection.serves(subject.detail)).toBe(true)
        const { min, max } = connection.ttl(subject.detail)
        expect(min).toBeGreaterThan(0)
        expect(max).toBeGreaterThanOrEqual(min)
        expect(connection.revokesAtOnce).toBeGreaterThan(0)
      })
    })

    describe('minting', () => {
      test('gives one live credential of its own per call, also to concurrent calls for the same thing', async () => {
        const before = alive().length
        const minted = await Promise.all([mint(), mint(), mint()])
        expect(alive()).toHaveLength(before + 3)
        expect(new Set(minted.map(entryOf)).size).toBe(3)
        expect(new Set(minted.map(({ fingerprint }) => fingerprint)).size).toBe(3)
      })

      test('tells when the credential dies by itself', async () => {
        const minted = await mint()
        expect(Math.abs(minted.expiresAt - entryOf(minted).expiresAt)).toBeLessThan(1000)
      })

      test("names the credential as upstream's audit log does, which is not the secret", async () => {
        const minted = await mint()
        expect(minted.fingerprint).toBe(entryOf(minted).fingerprint)
        expect(minted.fingerprint).not.toContain(subject.secretOf(minted))
      })

      test('calls one string of the credential the access token, if any', async () => {
        const { accessToken, credential } = await mint()
        if (accessToken !== undefined) expect(Object.values(credential)).toContain(accessToken)
      })

      test('says nothing of more than was asked when upstream gave what was asked', async () => {
        expect((await mint()).wider).toBeUndefined()
      })
    })

    describe('revoking', () => {
      test('ends the credential, and no other', async ({ skip }) => {
        if (!revocable()) skip()
        const [first, second] = await Promise.all([mint(), mint()])
        await expect(revoke([first.handle])).resolves.toEqual([{ done: true }])
        await propagated()
        expect(alive()).not.toContain(entryOf(first))
        expect(alive()).toContain(entryOf(second))
      })

      test('gives one outcome a handle', async ({ skip }) => {
        if (!revocable()) skip()
        const minted = await Promise.all(
          Array.from({ length: Math.min(3, connection.revokesAtOnce) }, () => mint()),
        )
        const outcomes = await revoke(minted.map(({ handle }) => handle))
        expect(outcomes).toEqual(minted.map(() => ({ done: true })))
        await propagated()
        for (const one of minted) expect(alive()).not.toContain(entryOf(one))
      })

      test('is done the second time too', async ({ skip }) => {
        if (!revocable()) skip()
        const { handle } = await mint()
        await revoke([handle])
        await expect(asTimePasses(subject.clock, revoke([handle]))).resolves.toEqual([{ done: true }])
      })

      test('is done for a credential that upstream has let expire', async () => {
        const minted = await mint()
        await subject.clock.advance(entryOf(minted).expiresAt - subject.clock.now() + 1000)
        await expect(revoke([minted.handle])).resolves.toEqual([{ done: true }])
      })

      test('works from a connection that minted nothing, as after a restart', async ({ skip }) => {
        if (!revocable()) skip()
        const minted = await mint()
        const restarted = subject.provider.connect(subject.config, subject.context)
        await expect(revoke([minted.handle], patient(), restarted)).resolves.toEqual([{ done: true }])
        await propagated()
        expect(alive()).not.toContain(entryOf(minted))
      })

      test('is not done while upstream is out, and done once it is back', async ({ skip }) => {
        if (!revocable()) skip()
        const minted = await mint()
        const headers = { 'retry-after': '7' }
        const outage = subject.faults.add({ kind: 'status', status: 503, headers, on: subject.revokes })
        await expect(revoke([minted.handle])).resolves.toMatchObject([
          { done: false, error: { name: 'ProviderError', kind: 'unavailable', retryAfter: 7 } },
        ])
        expect(alive()).toContain(entryOf(minted))
        outage.clear()
        await expect(revoke([minted.handle])).resolves.toEqual([{ done: true }])
      })

      test('ends with the signal when upstream hangs', async ({ skip }) => {
        if (!revocable()) skip()
        const minted = await mint()
        const limit = new AbortController()
        const arrived = hang(subject.revokes)
        const outcome = revoke([minted.handle], { signal: limit.signal })
        await arrived
        limit.abort(new DOMException('too late', 'TimeoutError'))
        await expect(outcome).resolves.toMatchObject([{ done: false, error: { kind: 'unavailable' } }])
      })
    })

    describe('probing', () => {
      test('never calls a live credential dead, nor a dead one live', async ({ skip }) => {
        const minted = await mint()
        const before = await connection.probe(minted.handle, patient())
        expect(before.at).toBe(subject.clock.now())
        expect(before.method).not.toBe('')
        expect(['live', 'unknown']).toContain(before.result)
        if (!revocable()) skip()
        await revoke([minted.handle])
        await propagated()
        const after = await connection.probe(minted.handle, patient())
        expect(['dead', 'denied']).toContain(after.result)
      })

      test('knows nothing while upstream is out', async () => {
        const { handle } = await mint()
        subject.faults.add({ kind: 'status', status: 500 })
        await expect(connection.probe(handle, patient())).resolves.toMatchObject({ result: 'unknown' })
      })

      test('shows the handle of a mint to nobody', async () => {
        const minted = await mint()
        const { method } = await connection.probe(minted.handle, patient())
        expect(method).not.toContain(subject.secretOf(minted))
      })
    })

    describe('when upstream fails', () => {
      test('an outage is unavailable, with the time that upstream names, and leaves open what was done', async () => {
        subject.faults.add({
          kind: 'status',
          status: 503,
          headers: { 'retry-after': '7' },
          on: subject.mints,
        })
        await expect(failedMint()).resolves.toMatchObject({
          kind: 'unavailable',
          retryAfter: 7,
          maybeDone: true,
        })
      })

      test('an upstream that cannot be reached has done nothing', async () => {
        const nowhere = subject.provider.connect(subject.unreachable, subject.context)
        await expect(failedMint(patient(), nowhere)).resolves.toMatchObject({
          kind: 'unavailable',
          maybeDone: false,
        })
      })

      test('a hang ends with the signal, and leaves open what was done', async () => {
        const limit = new AbortController()
        const arrived = hang(subject.mints)
        const error = failedMint({ signal: limit.signal })
        await arrived
        limit.abort(new DOMException('too late', 'TimeoutError'))
        await expect(error).resolves.toMatchObject({ kind: 'unavailable', maybeDone: true })
      })

      test.each(['reset-after-processing', 'garbage'] as const)(
        'a lost answer (%s) may hide a credential, and its recovery never says gone while it lives',
        async (kind) => {
          const before = new Set(alive())
          const fault = subject.faults.add({ kind, on: subject.mints })
          const intent = intentOf(subject.detail)
          const error: unknown = await connection
            .mint(subject.detail, intent, patient())
            .catch((e: unknown) => e)
          expect(error).toBeInstanceOf(ProviderError)
          expect(error).toMatchObject({ kind: 'unavailable', maybeDone: true })
          fault.clear()
          const orphans = alive().filter((entry) => !before.has(entry))
          expect(orphans).toHaveLength(1)

          const recovery = await connection.recover(intent, patient())
          for (const orphan of alive().filter((entry) => orphans.includes(entry))) {
            expect(recovery).toMatchObject({ gone: false })
            if (!recovery.gone) expect(recovery.liveUntil).toBeGreaterThanOrEqual(orphan.expiresAt)
          }
        },
      )

      test('a signal that was aborted before is answered at once, and nothing is sent', async () => {
        const { handle } = await mint()
        const aborted = { signal: AbortSignal.abort() }
        const reached = subject.faults.add({ kind: 'hang' })
        await expect(failedMint(aborted)).resolves.toMatchObject({ kind: 'unavailable', maybeDone: false })
        if (revocable()) await expect(revoke([handle], aborted)).resolves.toMatchObject([{ done: false }])
        await expect(connection.probe(handle, aborted)).resolves.toMatchObject({ result: 'unknown' })
        expect(reached.hits).toBe(0)
      })

      test.each([400, 401, 403, 404, 422, 429, 500, 503])(
        'an error for %i holds neither a secret nor what upstream said',
        async (status) => {
          const minted = await mint()
          const secrets = [subject.secretOf(minted), ...subject.secrets]
          const said = 'canary-of-upstream'
          const body = { message: said, errors: [said, ...secrets] }
          subject.faults.add({ kind: 'status', status, body, headers: { 'x-canary': said } })
          const outcomes = [await failedMint(), await asTimePasses(subject.clock, revoke([minted.handle]))]
          for (const word of [said, ...secrets]) {
            expect(inspect(outcomes, { depth: Infinity, showHidden: true })).not.toContain(word)
          }
        },
      )
    })
  })
}

/** What every store must do for leases. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Lease, type LeaseKind, leaseStatuses, type LeaseStatus } from '../../src/leases/lease.ts'
import type { Tx } from '../../src/base/unit.ts'
import { hour, noon, putLeases, type StoreSubject, unanswered } from '../support/store.ts'

/** Design §6, written out once more: the code's own table is what is tested. */
const leaseMoves: Record<LeaseStatus, LeaseStatus[]> = {
  pending: ['active', 'failed', 'revoking'],
  active: ['revoking', 'expired'],
  revoking: ['revoked', 'expired', 'irrevocable'],
  irrevocable: ['revoked', 'expired'],
  revoked: [],
  failed: [],
  expired: [],
}

/** `store` gives the store under test, once the tests run. */
export function leaseStoreContract(store: () => StoreSubject, untyped: boolean): void {
  const read = <T>(work: (tx: Tx) => Promise<T>) => store().unit.read(work)
  const write = <T>(work: (tx: Tx) => Promise<T>) => store().unit.write(work)
  const lease = async (id: string) => (await read((tx) => store().leases.get(tx, id)))!

  describe('leases', () => {
    it('are kept as they are', async () => {
      const [kept] = await putLeases(store(), {
        slot: 'a role',
        liveUntil: noon + 1,
        endedAt: noon + 2,
        evidence: { result: 'dead', method: 'it was asked', at: noon + 3 },
        attempts: 4,
        failingSince: noon + 5,
      })
      expect(await lease(kept!.id)).toEqual(kept)
    })

    it('move from state to state as design §6 allows, and otherwise stay as they are', async () => {
      const pairs = leaseStatuses.flatMap((from) => leaseStatuses.map((to) => ({ from, to })))
      const leases = await putLeases(store(), ...pairs.map(({ from }) => ({ status: from })))
      for (const [index, { from, to }] of pairs.entries()) {
        const before = leases[index]!
        const moved = await write((tx) =>
          store().leases.move(tx, before.id, to, { endedAt: noon, handle: null }),
        )
        const allowed = leaseMoves[from].includes(to)
        expect({ from, to, moved }).toEqual({ from, to, moved: allowed ? [to] : [] })
        const expected = allowed ? { status: to, endedAt: noon, handle: null } : {}
        expect(await lease(before.id)).toEqual({ ...before, ...expected })
      }
    })

    it('move through a state where they can enter it and not yet the next, with one change', async () => {
      const froms = ['active', 'revoking', 'irrevocable', 'failed'] as const
      const leases = await putLeases(store(), ...froms.map((status) => ({ status })))
      const entered = await write((tx) =>
        Promise.all(
          leases.map(({ id }) => store().leases.move(tx, id, 'revoked', { endedAt: noon }, 'revoking')),
        ),
      )
      expect(entered).toEqual([['revoking', 'revoked'], ['revoked'], ['revoked'], []])
      for (const [at, { id }] of leases.entries())
        expect(await lease(id)).toHaveProperty('endedAt', froms[at] === 'failed' ? null : noon)
    })

    it('are amended only in the states named', async () => {
      const [active] = await putLeases(store(), {})
      const change = { attempts: 3, failingSince: noon, dueAt: noon }
      const amend = (statuses: LeaseStatus[]) =>
        write((tx) => store().leases.amend(tx, active!.id, statuses, change))
      expect(await amend(['revoking', 'irrevocable'])).toBe(false)
      expect(await lease(active!.id)).toEqual(active)
      expect(await amend(['active'])).toBe(true)
      expect(await lease(active!.id)).toEqual({ ...active, ...change })
    })

    it('come due, the longest due first, but for those to be skipped', async () => {
      const at = noon - 500 * hour
      const [second, first, skipped, resting] = await putLeases(
        store(),
        { dueAt: at },
        { dueAt: at - 1 },
        { dueAt: at - 2 },
        { dueAt: null },
      )
      const due = await read((tx) => store().leases.due(tx, at, (id) => id === skipped!.id))
      expect(due).toEqual([first, second])
      expect(await read((tx) => store().leases.due(tx, at - 3, () => false))).toEqual([])
      expect(await read((tx) => store().leases.nextDue(tx, at - 1))).toBe(at)
      await write((tx) => store().leases.postpone(tx, first!.id, at + 7))
      expect(await read((tx) => store().leases.nextDue(tx, at))).toBe(at + 7)
      await write((tx) => store().leases.postpone(tx, resting!.id, at))
      expect(await lease(resting!.id)).toHaveProperty('dueAt', null)
    })

    it('are brought forward when they wait for another attempt on that connection, and only then', async () => {
      const waits = { status: 'revoking', attempts: 2, dueAt: noon + hour, connection: 'hastened' } as const
      const [ours, elsewhere, untried, over, due] = await putLeases(
        store(),
        waits,
        { ...waits, connection: 'another' },
        { ...waits, attempts: 0 },
        { ...waits, status: 'revoked' },
        { ...waits, dueAt: noon - 1 },
      )
      expect(await write((tx) => store().leases.hasten(tx, 'fake', 'hastened', noon, 10))).toBe(1)
      const dueAt = async (each: Lease | undefined) => (await lease(each!.id)).dueAt
      expect(await Promise.all([ours, elsewhere, untried, over, due].map(dueAt))).toEqual([
        noon,
        noon + hour,
        noon + hour,
        noon + hour,
        noon - 1,
      ])
    })

    it('whose mint was under way are adopted at the next start, and no others', async () => {
      const leaving = { ...unanswered, status: 'revoking' } as const
      const [pending, retired, known, recovered, active] = await putLeases(
        store(),
        { ...unanswered, dueAt: noon + hour },
        { ...leaving, dueAt: noon + hour },
        { status: 'revoking', dueAt: noon + hour },
        { ...leaving, liveUntil: noon + hour, dueAt: noon + hour },
        {},
      )
      expect(await write((tx) => store().leases.adopt(tx, noon))).toBeGreaterThanOrEqual(2)
      const dueAt = async (each: Lease | undefined) => (await lease(each!.id)).dueAt
      expect(await Promise.all([pending, retired].map(dueAt))).toEqual([noon, noon])
      expect(await Promise.all([known, recovered, active].map(dueAt))).toEqual([
        noon + hour,
        noon + hour,
        noon + hour,
      ])
    })

    it('are told by their kinds however long their details are', async () => {
      // Nothing that any engine could shorten.
      const names = Array.from({ length: 500 }, () => randomUUID())
      const [lease] = await putLeases(store(), { detail: { type: 'fake', names }, connection: 'long' })
      const kinds = () =>
        read(async (tx) => {
          const all: LeaseKind[] = []
          for await (const some of store().leases.unsettledKinds(tx)) all.push(...some)
          return all.filter(({ connection }) => connection === 'long')
        })
      expect(await kinds()).toMatchObject([{ detail: { type: 'fake', names }, sealKey: 'k1' }])
      await write((tx) => store().leases.move(tx, lease!.id, 'expired', { dueAt: null, endedAt: noon }))
      expect(await kinds()).toEqual([])
    })

    it('are told by their kinds while there is something to do, however many there are', async () => {
      const kinds = [{}, { upstream: 'fake:another' }, { revocation: 'eventual' as const }]
      const many = Array.from({ length: 1200 }, (_, n) => ({
        ...kinds[n % 2],
        dueAt: noon + (n % 7),
        connection: 'told',
      }))
      const [altered] = await putLeases(
        store(),
        { ...kinds[2], dueAt: noon, connection: 'told' },
        ...many,
        { ...kinds[2], dueAt: noon + hour, connection: 'told' },
        { upstream: 'fake:over', dueAt: null, connection: 'told', status: 'revoked' },
      )
      await store().beside(`update leases set agent = 'another' where id = '${altered!.id}'`)
      const found = await read(async (tx) => {
        const all: LeaseKind[] = []
        for await (const some of store().leases.unsettledKinds(tx)) all.push(...some)
        return all.filter(({ connection }) => connection === 'told')
      })
      expect(found.map(({ upstream, revocation }) => `${upstream} ${revocation}`).toSorted()).toEqual([
        'fake:another immediate',
        'fake:one eventual',
        'fake:one immediate',
      ])
      expect(found.map(({ id }) => id)).not.toContain(altered!.id)
    })

    it('take their slot for as long as they stand, whatever has become of them and whatever connection minted them', async () => {
      const room = { provider: 'fake', slot: 'role', whose: { agent: 'refactor-bot' } }
      const takes = { slot: 'role' }
      const lost = { ...unanswered, status: 'revoking' } as const
      await putLeases(
        store(),
        takes,
        { ...takes, status: 'revoked', connection: 'another' },
        { ...takes, status: 'expired', standsUntil: noon + 12 * hour },
        { ...takes, ...unanswered },
        { ...takes, ...lost },
        { ...takes, ...lost, liveUntil: noon + 24 * hour },
        { ...takes, agent: 'another' },
        { ...takes, slot: 'another' },
        { ...takes, provider: 'another' },
        { ...takes, status: 'failed', upstreamExpiresAt: null, standsUntil: null },
      )
      const taken = (now: number) => read((tx) => store().leases.slotsTaken(tx, { ...room, now }))
      expect(await taken(noon)).toEqual([noon + hour, noon + hour, noon + 12 * hour, Infinity])
      expect(await taken(noon + hour)).toEqual([noon + 12 * hour, Infinity])
    })

    it('stand upstream from when they leave until nothing of them can act there, whatever connection minted them', async () => {
      const there = { provider: 'stands', revocation: 'eventual' } as const
      const [leaving, revoked] = await putLeases(
        store(),
        { ...there, status: 'revoking' },
        { ...there, status: 'revoked', connection: 'another', standsUntil: noon + 2 * hour },
        { ...there, status: 'active' },
        { ...there, status: 'revoked', handle: null },
        { ...there, status: 'revoking', revocation: 'expiry' },
        { ...there, status: 'revoking', provider: 'elsewhere' },
      )
      const standing = (now: number) => read((tx) => store().leases.standing(tx, 'stands', now))
      const of = ({ id, handle }: Lease) => ({ id, handle })
      expect(await standing(noon)).toEqual([of(leaving!), of(revoked!)])
      expect(await standing(noon + hour)).toEqual([of(revoked!)])
      expect(await standing(noon + 2 * hour)).toEqual([])
    })

    it('forget their handle and come to rest only when they are over', async () => {
      const [over, live] = await putLeases(store(), { status: 'revoked' }, { status: 'revoking' })
      await write(async (tx) => {
        await store().leases.forget(tx, over!.id)
        await store().leases.forget(tx, live!.id)
      })
      expect(await lease(over!.id)).toEqual({ ...over, handle: null, dueAt: null })
      expect(await lease(live!.id)).toEqual(live)
    })

    it.each([
      ['detail', "'{'", 'JSON'],
      ['detail', "'null'", 'JSON'],
      ['classes', "'[1'", 'JSON'],
      ['evidence', "'no'", 'JSON'],
      ['evidence', "'{}'", 'JSON'],
      ['evidence', `'{"result":"dead","method":"","at":1e300}'`, 'JSON'],
      ['status', "'lost'", 'state'],
      ['revocation', "'never'", 'state'],
      ['created_at', '9e18', 'time'],
      ['live_until', '1e16', 'time'],
      ['attempts', '-1', 'count'],
      ...(untyped
        ? [
            ['deadline', "'soon'", 'time'],
            ['agent', "x'37'", 'text'],
            ['handle', "x'00ff'", 'text'],
          ]
        : []),
    ])('with a damaged %s are handed on as damaged, beside the others', async (column, value, what) => {
      const at = noon - 700 * hour
      const [damaged, whole] = await putLeases(store(), { dueAt: at }, { dueAt: at })
      await store().beside(`update leases set ${column} = ${value} where id = '${damaged!.id}'`)
      const due = await read((tx) => store().leases.due(tx, at, () => false))
      expect(due.find(({ id }) => id === whole!.id)).toEqual(whole)
      const id = damaged!.id
      expect(due.find((lease) => lease.id === id)).toMatchObject({
        id,
        damaged: expect.stringContaining(what),
      })
      await write((tx) => store().leases.postpone(tx, damaged!.id, noon + hour))
      await write((tx) => store().leases.postpone(tx, whole!.id, noon + hour))
    })

    it('with a number beyond all numbers do not keep the others from being read', async () => {
      const [spoilt, whole] = await putLeases(store(), {}, {})
      await store().beside(`update leases set created_at = 9223372036854775807 where id = '${spoilt!.id}'`)
      expect(await read((tx) => store().leases.find(tx, { task: whole!.task }))).toHaveLength(2)
    })
  })
}

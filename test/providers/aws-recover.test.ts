import { expect, test } from 'vitest'
import { conditions, connectAws, deploys, mints, patient, revokes } from '../support/aws-sandbox.ts'

test('a lost session is denied by its name, until it could no longer be alive', async () => {
  const upstream = await connectAws({ as: 'role' })
  const { sandbox, clock, connection } = upstream
  const intent = upstream.intentOf(deploys)
  const fault = sandbox.faults.add({ kind: 'reset-after-processing', on: mints })
  await expect(connection.mint(deploys, intent, patient())).rejects.toMatchObject({ maybeDone: true })
  fault.clear()
  expect(upstream.alive()).toHaveLength(1)
  const recovery = await connection.recover(intent, patient())
  expect(recovery).toEqual({ gone: false, liveUntil: intent.createdAt + 960_000 })
  expect(conditions(upstream.policy())).toEqual([{ StringLike: { 'aws:userid': [`*:${intent.leaseId}`] } }])
  expect(upstream.alive()).toEqual([])

  await upstream.maintain()
  expect(upstream.policy()).toContain(intent.leaseId)
  await clock.advance(960_000)
  await upstream.maintain()
  expect(upstream.policy()).toBeUndefined()
  await expect(connection.recover(intent, patient())).resolves.toEqual({ gone: true })
})

test('a recovery whose deny could not be written is not over', async () => {
  const upstream = await connectAws()
  upstream.sandbox.faults.add({ kind: 'status', status: 503, on: revokes })
  await expect(upstream.connection.recover(upstream.intentOf(deploys), patient())).rejects.toMatchObject({
    kind: 'unavailable',
  })
})

test('a storm of lost mints ends no session that is at work: what has no room is tried again', async () => {
  const upstream = await connectAws()
  const { connection, intentOf } = upstream
  const outcomes = await Promise.all(
    Array.from({ length: 300 }, () =>
      connection.recover(intentOf(deploys), patient()).then(
        () => 'denied',
        ({ kind, message }: { kind: string; message: string }) => `${kind}: ${message}`,
      ),
    ),
  )
  const left = outcomes.filter((outcome) => outcome !== 'denied')
  expect(left.length).toBeGreaterThan(50)
  expect(new Set(left)).toEqual(
    new Set(["unavailable: the role's inline policies have no room yet to deny what may have been minted"]),
  )
  // By name alone, and none by the time at which it was issued.
  expect(conditions(upstream.policy()).map((condition) => Object.keys(condition))).toEqual([['StringLike']])
})

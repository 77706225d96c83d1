/** Of which leases somebody may hold a credential: clients wait for those, and fail for them. */
import { expect, test } from 'vitest'
import { type LeaseStatus, leaseStatuses, mayBeHeld } from '../../src/leases/lease.ts'

const over: LeaseStatus[] = ['revoked', 'failed', 'expired']
const lost: LeaseStatus[] = ['revoking', 'irrevocable']

test.each(leaseStatuses)('%s', (status) => {
  expect(mayBeHeld({ status, fingerprint: 'fp' })).toBe(!over.includes(status))
  expect(mayBeHeld({ status, fingerprint: null })).toBe(!over.includes(status) && !lost.includes(status))
  expect(mayBeHeld({ status, damaged: 'the row was altered' } as never)).toBe(!over.includes(status))
})

/** Of a row that may be damaged the compiler lets nobody take more than what it is found and ended by. */
import { expectTypeOf, test } from 'vitest'
import type { fenceFoundBy, StoredFence } from '../../src/agents/fence.ts'
import type { leaseFoundBy, StoredLease } from '../../src/leases/lease.ts'
import type { approvalFoundBy, StoredApproval } from '../../src/tasks/approval.ts'
import type { StoredRemembered } from '../../src/tasks/idempotency.ts'
import type { StoredTask, taskFoundBy } from '../../src/tasks/task.ts'

test('what a row grants by is out of reach until somebody has looked whether it is damaged', () => {
  expectTypeOf<keyof StoredTask>().toEqualTypeOf<(typeof taskFoundBy)[number]>()
  expectTypeOf<keyof StoredLease>().toEqualTypeOf<(typeof leaseFoundBy)[number]>()
  expectTypeOf<keyof StoredApproval>().toEqualTypeOf<(typeof approvalFoundBy)[number]>()
  expectTypeOf<keyof StoredFence>().toEqualTypeOf<(typeof fenceFoundBy)[number]>()
  expectTypeOf<keyof StoredRemembered>().toEqualTypeOf<never>()
})

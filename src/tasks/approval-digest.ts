/** The digest of a request for approval: exactly what a yes is a yes to. */
import { canonicalize } from '../base/canonical.ts'
import type { Seal } from '../base/seal.ts'
import { sha256 } from '../base/sha256.ts'
import type { Approval, Settlement, StoredApproval } from './approval.ts'
import type { ScopeItem, Task } from './task.ts'

/** The whole of what an approver says yes to (design §9). */
export interface RequestToApprove {
  task: string
  agent: string
  /** The token's `iss`. */
  issuer: string
  subject: string
  purpose: string
  scope: ScopeItem[]
  /** Seconds. */
  ttl: number
  context: Record<string, string>
  parent: string | null
  /** Everyone whose yes is needed, sorted. */
  groups: string[]
}

/** `groups` are those of all its approvals, in any order. */
export function requestToApprove(task: Task, groups: readonly string[]): RequestToApprove {
  return {
    task: task.id,
    agent: task.agent,
    issuer: task.principal.iss,
    subject: task.principal.subject,
    purpose: task.purpose,
    scope: task.scope,
    ttl: task.ttl,
    context: task.context,
    parent: task.parent,
    groups: groups.toSorted(),
  }
}

/** SHA-256 of the canonical JSON (RFC 8785), hex: whoever approves, approves exactly this. */
export function digestOf(request: RequestToApprove): string {
  return sha256(canonicalize(request))
}

export function requestDigest(task: Task, groups: readonly string[]): string {
  return digestOf(requestToApprove(task, groups))
}

/** The MAC that tells a settled approval from one written straight into the table. */
export function settlementMac(
  seal: Seal,
  approval: Approval,
  status: 'granted' | 'denied',
  settlement: Omit<Settlement, 'mac' | 'key'>,
  key = seal.current,
): { mac: string; key: string } {
  const { id, task, group, digest } = approval
  const { by, at, reason } = settlement
  return seal.mac('approval', canonicalize({ id, task, group, digest, status, by, at, reason }), key)
}

/** The groups whose yes to exactly this task stands. A forged or moved row counts for nothing. */
export function grantedGroups(seal: Seal, task: Task, approvals: readonly StoredApproval[]): string[] {
  if (approvals.length === 0) return []
  const digest = requestDigest(
    task,
    approvals.map((approval) => approval.group),
  )
  return approvals
    .filter((approval) => !('damaged' in approval) && approval.digest === digest && isGenuine(seal, approval))
    .map((approval) => approval.group)
}

function isGenuine(seal: Seal, approval: Approval): boolean {
  const { status, settled } = approval
  if (status !== 'granted' || !settled || !seal.has(settled.key)) return false
  return settlementMac(seal, approval, 'granted', settled, settled.key).mac === settled.mac
}

/** What a yes is a yes to. */
import canonicalize from 'canonicalize'
import { sha256 } from '../digest.ts'
import type { Seal } from '../seal.ts'
import type { Approval, Settlement, Task } from './task.ts'

/** SHA-256 of the whole request as canonical JSON (RFC 8785, design §9), hex: whoever approves, approves exactly this. */
export function requestDigest(task: Task, groups: readonly string[]): string {
  return sha256(
    canonicalize({
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
    })!,
  )
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
  return seal.mac('approval', canonicalize({ id, task, group, digest, status, by, at, reason })!, key)
}

/** The groups whose yes to exactly this task stands. A forged or moved row counts for nothing. */
export function grantedGroups(seal: Seal, task: Task, approvals: readonly Approval[]): string[] {
  const digest = requestDigest(
    task,
    approvals.map((approval) => approval.group),
  )
  return approvals
    .filter((approval) => approval.digest === digest && isGenuine(seal, approval))
    .map((approval) => approval.group)
}

function isGenuine(seal: Seal, approval: Approval): boolean {
  const { status, settled } = approval
  if (status !== 'granted' || !settled || !seal.has(settled.key)) return false
  return settlementMac(seal, approval, 'granted', settled, settled.key).mac === settled.mac
}

/** What people are told of, and the words for it. */
import type { ChainedEvent } from '../audit/event.ts'
import type { LeaseStore } from '../leases/lease.ts'
import type { ApprovalStore } from '../tasks/approval.ts'
import type { TaskStore } from '../tasks/task.ts'

/** What it takes to say what an event is about. */
export interface Told {
  tasks: TaskStore
  approvals: ApprovalStore
  leases: LeaseStore
  /** The broker's public URL now. */
  url: () => string
  /** Where a request is answered with a browser, if it can be. */
  approvalPage: (approval: string) => string | undefined
  /** Blacks out what looks like a secret: callers' own words may hold one. */
  redact: (text: string) => string
}

/** One thing to know, in a few words. */
export type Fact = readonly [name: string, text: string]

export interface Notice {
  /** The same for every target and each attempt: by it a receiver tells what it has had already. */
  id: string
  type: string
  /** When it happened, milliseconds since 1970. */
  at: number
  /** One line. */
  title: string
  /** What callers chose stands in quotes, so that it cannot pass for ours. */
  facts: readonly Fact[]
  /** What to run to act on it. */
  command?: string
  /** The approval that it asks for, and the broker's own page for that. */
  asks?: string
  page?: string
  /** The same for machines; JSON. */
  data: Record<string, unknown>
}

/** What one kind of event makes of it. */
export type Words = Omit<Notice, 'id' | 'at'> & {
  /** What upstream calls the credential: no secret, though with AWS it looks like one. */
  fingerprint?: string | null | undefined
}

/** Who ordered it, and why, in their own words. */
export function orderOf(event: ChainedEvent): Fact[] {
  const { by, reason } = byWhom(event)
  return [['By', by], ...(reason === undefined ? [] : [['Reason', quoted(reason)] as const])]
}

export function byWhom({ actor, data }: ChainedEvent): { by: string; reason: string | undefined } {
  const reason = data?.['reason']
  return { by: actor.replace(/^admin:/, ''), reason: typeof reason === 'string' ? reason : undefined }
}

export function quoted(value: unknown): string {
  return JSON.stringify(value) ?? ''
}

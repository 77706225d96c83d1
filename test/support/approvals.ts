/** Asking for what needs a human's yes, and giving it. */
import { randomUUID } from 'node:crypto'
import { type Answer, type TestBroker, writeWeb } from './broker.ts'

type Claims = Record<string, unknown>

export const infra = { ...writeWeb, repositories: ['acme/infra'] }

/** A token of one of `admins`, of the group `security` unless `claims` say otherwise. */
export function human(broker: TestBroker, claims: Claims = {}): Promise<string> {
  return broker.admin({ aud: 'console', ...claims })
}

/** A task that waits, and unless `body` says what for, not for what another waits for already. */
export async function ask(broker: TestBroker, body: Record<string, unknown> = {}): Promise<Answer['body']> {
  const purpose = `a test of ${randomUUID()}`
  return (await broker.open({ purpose, authorization_details: [infra], ...body })).body
}

/** Answers an approval as the admin that `claims` describe; without a digest, with the one that is asked for. */
export async function answer(
  broker: TestBroker,
  verb: 'approve' | 'deny',
  approval: { id: string; digest: string },
  { claims = {}, ...body }: { claims?: Claims; digest?: string; reason?: string } = {},
): Promise<Answer> {
  return await broker.call('POST', `/v1/admin/approvals/${approval.id}/${verb}`, {
    token: await human(broker, claims),
    body: { digest: approval.digest, ...body },
  })
}

export const legal: Claims = { sub: 'lex', email: 'lex@acme.dev', groups: ['legal'] }

/** Two groups that approve, and one that only looks. */
const admins = (['security', 'legal', 'auditors'] as const).map((name) => ({
  name,
  issuer: 'sandbox',
  audience: 'console',
  claims: { groups: name },
  may: name === 'auditors' ? ['read'] : ['read', 'approve', 'revoke', 'suspend'],
}))

const needs = (group: string) => `@id("infra-needs-${group}")
@approval("${group}")
forbid (principal, action in Mayfly::Action::"write", resource == Mayfly::GithubRepository::"acme/infra")
unless { context.approvals.contains("${group}") };
`

/** The bot's work, with a write to acme/infra needing a yes of each of `groups`. */
export function policy(...groups: string[]): string {
  return `@id("bot-works")
permit (principal,
        action in [Mayfly::Action::"read", Mayfly::Action::"write"],
        resource in Mayfly::GithubOwner::"acme");
${groups.map(needs).join('\n')}`
}

/** A broker where a write to acme/infra needs a yes of each of `groups`. */
export const needing = (...groups: string[]) => ({
  settings: { admins },
  files: { 'policies/acme.cedar': policy(...groups) },
})

/** One agent for the assistants of many people, each of whom owns what is done as theirs. */
import type { TestBroker } from './broker.ts'
import { agentFiles } from './agents.ts'
import { infra } from './approvals.ts'

/** What the issuer says of a person whose assistant asks. */
export const person = (name: string, claims: Record<string, unknown> = {}) => ({
  sub: `people|${name}`,
  email: `${name}@acme.dev`,
  email_verified: true,
  groups: ['engineering'],
  ...claims,
})

/** `claude-code` is whoever is of engineering. */
export const assistants = (claim = 'email') =>
  agentFiles('claude-code', {
    owner: { claim },
    match: [{ issuer: 'sandbox', claims: { groups: 'engineering' } }],
  })

/** A task of this person's assistant; one that waits where `waits`. */
export async function assistantOf(
  broker: TestBroker,
  name: string,
  { waits = false, ...claims }: { waits?: boolean } & Record<string, unknown> = {},
) {
  const purpose = `a test of ${name} ${Math.random()}`
  const { body } = await broker.open(
    { purpose, ...(waits && { authorization_details: [infra] }) },
    { ...person(name), repository: undefined, repository_id: undefined, ...claims },
  )
  return body
}

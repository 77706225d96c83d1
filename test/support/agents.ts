/** Further agents for a test's configuration. */
import { stringify } from 'yaml'
import type { Files } from '../../src/sandbox/configuration.ts'

/** The `sub` of tokens of the agent that `agentFiles` names so. */
export const subjectOf = (name: string) => `repo:acme/${name}:ref:refs/heads/main`

/** An agent with a subject of its own, who may read and write in every repository of `owner`. */
export function agentFiles(name: string, settings: Record<string, unknown> = {}, owner = 'acme'): Files {
  return {
    [`agents/${name}.yaml`]: stringify({
      name,
      owner: 'tools@acme.dev',
      purpose: 'Stands beside another agent in a test',
      environment: 'dev',
      review_by: '2099-12-31',
      max_ttl: 3600,
      match: [{ issuer: 'sandbox', subject: subjectOf(name) }],
      ...settings,
    }),
    [`policies/${name}.cedar`]: `@id("${name}-works-on-${owner}")
permit (principal == Mayfly::Agent::"${name}",
        action in [Mayfly::Action::"read", Mayfly::Action::"write"],
        resource in Mayfly::GithubOwner::"${owner}");
`,
  }
}

/** An explanation as JSON and in lines. */
import type { Policies } from '../../policy/compile.ts'
import type { ExplainedRequest, Explanation, Part } from '../../policy/explain.ts'

/** The shape under `--json`. */
export function explanationView({ decision, requests }: Explanation, policies: Policies) {
  return {
    decision: decision.outcome,
    approvals: decision.outcome === 'pending_approval' ? decision.approvals : [],
    denials: decision.outcome === 'denied' ? decision.denials : [],
    descriptions: describedIn(requests, policies),
    requests: requests.map((request) => {
      const { action, resource, class: group, implied, outcome, approvals } = request
      const asking = (part: Part) =>
        having(request, part).map((policy) => ({ policy, group: policies.approvals.get(policy) ?? '' }))
      return {
        action,
        resource,
        class: group,
        implied,
        outcome,
        approvals,
        permitted_by: having(request, 'permits'),
        forbidden_by: having(request, 'forbids'),
        approval_asked_by: asking('asks_approval'),
        approval_given_to: asking('approved'),
        failing: having(request, 'fails'),
        not_matching: having(request, 'does_not_match'),
      }
    }),
  }
}

/** What the policies that refuse or ask are for, by `@id`, as far as they say so. */
function describedIn(
  requests: readonly ExplainedRequest[],
  { descriptions }: Policies,
): Record<string, string> {
  const parts: Part[] = ['forbids', 'asks_approval', 'fails']
  const ids = new Set(requests.flatMap((request) => parts.flatMap((part) => having(request, part))))
  return Object.fromEntries([...descriptions].filter(([id]) => ids.has(id)))
}

export function requestLines(request: ExplainedRequest, policies: Policies): string[] {
  const { action, resource, class: group, implied, outcome } = request
  const described = (policy: string) =>
    policies.descriptions.has(policy) ? `${policy}: ${policies.descriptions.get(policy)}` : policy
  const withGroup = (policy: string) => `${described(policy)} (${policies.approvals.get(policy)})`
  const unpermitted = !implied && having(request, 'permits').length === 0
  const parts: [string, string[]][] = [
    ['permitted by', unpermitted ? ['no policy'] : having(request, 'permits')],
    ['forbidden by', having(request, 'forbids').map(described)],
    ['approval asked by', having(request, 'asks_approval').map(withGroup)],
    ['approval given to', having(request, 'approved').map(withGroup)],
    ['failing', having(request, 'fails').map(described)],
    ['not matching', having(request, 'does_not_match')],
  ]
  return [
    `${action} on ${resource} (${group}${implied ? ', included' : ''}): ${outcome}`,
    ...parts.flatMap(([title, ids]) => (ids.length > 0 ? [`  ${title.padEnd(17)}  ${ids.join(', ')}`] : [])),
  ]
}

/** The policies that decided: those that refused, those that ask for an approval, or those that permit. */
export function deciding({ decision, requests }: Explanation): string[] {
  const all = (part: Part) => [...new Set(requests.flatMap((request) => having(request, part)))]
  switch (decision.outcome) {
    case 'denied':
      return [...new Set(decision.denials.flatMap(({ policies }) => policies))]
    case 'pending_approval':
      return all('asks_approval')
    case 'allowed':
      return all('permits')
  }
}

function having({ policies }: ExplainedRequest, part: Part): string[] {
  return policies.filter((policy) => policy.part === part).map(({ id }) => id)
}

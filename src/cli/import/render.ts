/** The files of an import: agents, policies, and the issuers that a configuration may lack. */
import { stringify } from 'yaml'
import { oneLine } from '../print.ts'
import { platformAt } from '../../identity/platforms.ts'
import type { Import, Imported } from './translate-all.ts'

export interface Told {
  /** Who answers for the agents; without it their files say that it is missing, and no configuration takes them. */
  owner: string | undefined
  reviewBy: string
  /** Issuers that are configured already. */
  configured: ReadonlySet<string>
}

/** Seconds: as long as a credential of octo-sts lives, where a task asks for so much. */
const maxTtl = 3600

/** Texts by path. */
export function render({ imported, issuers }: Import, told: Told): Record<string, string> {
  const files: Record<string, string> = {}
  for (const each of imported) {
    files[`agents/${each.agent}.yaml`] = agentText(each, issuers, told)
    files[`policies/${each.agent}.cedar`] = policyText(each)
  }
  const missing = [...issuers].filter(([url]) => !told.configured.has(url))
  if (missing.length > 0) files['issuers.yaml'] = issuersText(missing, imported)
  return files
}

function agentText(
  { agent, place, rules, scope, detail, narrowed }: Imported,
  issuers: Import['issuers'],
  { owner, reviewBy }: Told,
): string {
  const file = {
    name: agent,
    purpose: `What the trust policy ${place.identity} of ${scope} is for`,
    environment: 'ci',
    review_by: reviewBy,
    max_ttl: maxTtl,
    match: rules.flatMap(({ issuer, rules: of }) =>
      of.map((rule) => ({ issuer: issuers.get(issuer), ...rule })),
    ),
    sts: { scope, identity: place.identity, authorization_detail: detail },
  }
  const head = [
    // What stands in a policy must not end the comment that tells of it.
    oneLine(`# From ${place.file}.`),
    ...narrowed.map((each) => oneLine(`# Narrower than it: ${each}.`)),
    ...(owner === undefined
      ? ['# The human who answers for it, by the verified email or the sub of their token.', 'owner:']
      : [stringify({ owner }).trimEnd()]),
  ]
  return `${head.join('\n')}\n${stringify(file, { lineWidth: 0, aliasDuplicateObjects: false })}`
}

function policyText({ agent, place, permits }: Imported): string {
  const byResource = Map.groupBy(
    permits,
    ({ resource }) => `${resource.type}::${JSON.stringify(resource.id)}`,
  )
  const several = byResource.size > 1
  const policies = [...byResource].map(
    ([resource, asked], at) => `@id("octo-sts-${agent}${several ? `-${at + 1}` : ''}")
permit (
  principal == Mayfly::Agent::"${agent}",
  action in [${asked.map(({ action }) => `Mayfly::Action::"${action}"`).join(', ')}],
  resource == Mayfly::${resource}
);
`,
  )
  return `${oneLine(`// What ${place.file} grants.`)}\n\n${policies.join('\n')}`
}

function issuersText(missing: readonly (readonly [string, string])[], imported: readonly Imported[]): string {
  const entries = missing.map(([url, name]) => {
    const platform = platformAt(url)
    const named = imported
      .filter(({ rules }) => rules.some(({ issuer }) => issuer === url))
      .flatMap(({ audiences = [] }) => audiences)
    const entry = {
      ...(platform?.preset !== undefined && { preset: platform.preset }),
      ...(platform?.url === url ? {} : { issuer: url }),
      ...(named.length > 0 && { audience: [...new Set(named)] }),
    }
    const unknown = platform
      ? ''
      : '  # `single` if all its tokens are of your own organization, or the claims that name whose they are.\n  tenancy:\n'
    return stringify({ [name]: entry }, { lineWidth: 0, aliasDuplicateObjects: false }) + unknown
  })
  return `# To be put under \`issuers:\` of mayfly.yaml. Tokens for the broker's own host are taken at /sts/exchange
# whatever stands here; an \`audience\` that is written here takes the place of the broker's url.
${entries.join('')}`
}

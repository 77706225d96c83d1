import { z } from 'zod'
import type { Finding } from '../../src/provider/upstream.ts'
import type { Vault } from './upstream.ts'

const role = z.object({
  data: z.object({ orphan: z.boolean(), allowed_policies: z.array(z.string()).nullish() }),
})

/** What the token role would refuse or spoil. The broker need not be allowed to read it: then nothing is said. */
export async function roleFindings({ config, asBroker }: Vault, signal: AbortSignal): Promise<Finding[]> {
  const { token_role: name } = config
  if (name === undefined) return []
  const answer = await asBroker('read', `auth/token/roles/${name}`, { signal, acts: false })
  if (answer.status === 404)
    return [{ status: 'fault', message: `there is no token role ${name}`, remedy: 'Create it.' }]
  const parsed = role.safeParse(answer.body)
  if (answer.status !== 200 || !parsed.success) return []
  const { orphan, allowed_policies: allowed } = parsed.data.data
  const given = [
    ...config.paths.flatMap(({ policies }) => policies),
    ...config.policies.map((each) => each.name),
  ]
  const missing = allowed?.length ? [...new Set(given)].filter((policy) => !allowed.includes(policy)) : []
  const findings: Finding[] = []
  if (!orphan)
    findings.push({
      status: 'fault',
      message: `tokens of the token role ${name} would hang on the broker's own: all are refused`,
      remedy: 'Set orphan=true on it.',
    })
  if (missing.length > 0)
    findings.push({
      status: 'warning',
      message: `the token role ${name} does not name what the configuration declares: ${missing.join(', ')}`,
      remedy: 'Add it to allowed_policies, unless a glob of the role allows it.',
    })
  return findings
}

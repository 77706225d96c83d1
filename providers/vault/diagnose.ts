import { z } from 'zod'
import type { Finding } from '../../src/provider.ts'
import type { VaultConfig } from './config.ts'
import { garbage, refusal, unserved } from './refusal.ts'
import type { Vault } from './upstream.ts'

/** Whether Vault accepts the broker, and lets it do what minting and revoking take. @throws ProviderError */
export async function diagnose(vault: Vault, signal: AbortSignal): Promise<Finding[]> {
  const needed = needs(vault.config)
  const paths = needed.map(({ path }) => path)
  const answer = await vault.asBroker('write', 'sys/capabilities-self', {
    body: { paths },
    signal,
    acts: false,
  })
  if (unserved(answer)) return [untold]
  if (answer.status !== 200) throw refusal(answer, meanings, false)
  const parsed = told.safeParse(answer.body)
  if (!parsed.success) throw garbage(false)
  const capabilities = parsed.data.data
  const lacking = needed.filter(({ path }) => !capabilities[path]?.some((each) => suffices.has(each)))
  const findings = [
    ...lacking.map(({ path, what, status }): Finding => ({
      status,
      message: `the broker may not ${what}`,
      remedy: `Give its token \`update\` on ${path}.`,
    })),
    ...(await roleFindings(vault, signal)),
  ]
  return findings.length > 0 ? findings : [fine]
}

interface Need {
  path: string
  what: string
  status: Finding['status']
}

function needs({ token_role: role, paths }: VaultConfig): Need[] {
  const all: Need[] = [
    {
      path: role === undefined ? 'auth/token/create-orphan' : `auth/token/create/${role}`,
      what: 'create tokens',
      status: 'fault',
    },
    { path: 'auth/token/revoke-accessor', what: 'revoke tokens', status: 'fault' },
    { path: 'auth/token/lookup-accessor', what: 'see that a token is dead', status: 'warning' },
  ]
  if (paths.length === 0) return all
  return [
    ...all,
    { path: 'sys/leases/revoke', what: 'take a secret back', status: 'fault' },
    { path: 'sys/leases/lookup', what: 'see that a secret is gone', status: 'warning' },
  ]
}

/** To the root token alone Vault names no capability but `root`. */
const suffices = new Set(['update', 'root'])
const told = z.object({ data: z.record(z.string(), z.array(z.string())) })
const meanings = { 403: "the broker's token is not accepted, or may not ask what it may do" }
const fine: Finding = { status: 'ok', message: 'Vault lets the broker create, look up and revoke tokens' }
const untold: Finding = {
  status: 'warning',
  message: 'Vault does not tell what the broker may do',
  remedy: 'Mint something through it to see that it works.',
}

const role = z.object({
  data: z.object({ orphan: z.boolean(), allowed_policies: z.array(z.string()).nullish() }),
})

/** What the token role would refuse or spoil. The broker need not be allowed to read it: then nothing is said. */
async function roleFindings({ config, asBroker }: Vault, signal: AbortSignal): Promise<Finding[]> {
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

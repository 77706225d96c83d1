import { name as issuerName } from '../agents/agent.ts'
import { isLoopback } from '../base/endpoint.ts'
import { compileIssuer, issuerConfig, type Issuer, type IssuerConfig } from '../identity/issuer.ts'
import { located } from './files.ts'
import { fault, fetchTrusting, type Loading, warn } from './loading.ts'
import { parse, type Path, salvage } from './parse.ts'
import { readAuthorities } from './trust.ts'

/** Whether the key is there, be it with a value that is none. */
function isWritten(entry: unknown, key: string): boolean {
  return typeof entry === 'object' && entry !== null && Object.hasOwn(entry, key)
}

/**
 * Compiles the entries of `issuers`, by name. An issuer may stand there once: with two
 * entries for one `iss` it would depend on their order which audience and which
 * age a token may have. And the broker's own tokens must never come back as a
 * workload's: `url` is no issuer.
 */
export function compileIssuers(
  entries: Record<string, unknown>,
  url: string,
  loading: Loading,
): Map<string, Issuer> {
  const issuers = new Map<string, Issuer>()
  for (const [name, entry] of Object.entries(entries)) {
    const at = ['issuers', name]
    parse(issuerName, name, { file: loading.file, at, faults: loading.faults })
    const sound = parse(issuerConfig, entry, { file: loading.file, at, faults: loading.faults })
    const config = sound ?? salvage(issuerConfig, entry)
    if (!config) continue
    if (config.issuer.replace(/\/$/, '') === url)
      fault(
        loading,
        [...at, 'issuer'],
        'is the broker itself, its `url`',
        'Name the issuer of your workloads.',
      )
    const same = [...issuers.values()].find(({ issuer }) => issuer === config.issuer)
    if (same)
      fault(
        loading,
        [...at, 'issuer'],
        `is that of \`${same.name}\` too`,
        'Keep one entry; `audience` may be a list.',
      )
    // What listens on this machine is the operator's own.
    const told = !sound && ['preset', 'tenancy'].some((key) => isWritten(entry, key))
    if (config.tenancy === undefined && !isLoopback(config.issuer) && !told)
      fault(
        loading,
        [...at, 'tenancy'],
        'is missing, and this issuer is none that is known: whose workloads it signs for cannot be told',
        'Write `tenancy: single` if all its tokens are of your own organization, or the claims that name the tenant, as `tenancy: [org_id]`. A known platform has a `preset`.',
      )
    if (sound && config.reusedAnyway)
      warn(
        loading,
        [...at, 'single_use'],
        `is true, and ${config.platform} gives a workload one token for several tasks: all but the first are refused`,
        `Write \`preset: ${config.reusedAnyway}\`, or \`single_use: false\` with a short \`max_age\`.`,
      )
    const { ca, token } = config
    checkLogin(config, at, loading)
    const fetch = fetchTrusting(loading, at, ca, loading.fetchWith)
    if (fetch)
      issuers.set(
        name,
        compileIssuer(name, config, {
          fetch,
          clock: loading.clock,
          defaultAudience: url,
          ca: ca === undefined ? undefined : readAuthorities(located(loading.file, ca)),
          ...(token && { token: () => loading.secrets.read(token) }),
        }),
      )
  }
  return issuers
}

/** Where audiences are written, they have to be those of the clients that people log in with. */
function checkLogin({ audience, login }: IssuerConfig, at: Path, loading: Loading): void {
  if (!login || audience === undefined) return
  const taken = [audience].flat()
  if (!taken.includes(login.client_id))
    fault(
      loading,
      [...at, 'audience'],
      `does not take tokens for ${login.client_id}, with which people log in`,
      `Add ${JSON.stringify(login.client_id)} to it.`,
    )
  if (login.admin_client_id !== undefined && taken.includes(login.admin_client_id))
    fault(
      loading,
      [...at, 'audience'],
      `takes tokens for ${login.admin_client_id}, with which admins log in: tasks could be opened with them`,
      `Take ${JSON.stringify(login.admin_client_id)} out of it, and name it in \`audience\` of their entry under \`admins\`.`,
    )
}

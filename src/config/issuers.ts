import { name as issuerName } from '../agents/agent.ts'
import { compileIssuer, issuerConfig, type Issuer } from '../identity/issuer.ts'
import { located } from './files.ts'
import { fault, readable, type Loading } from './loading.ts'
import { parse } from './parse.ts'
import { trusting } from './trust.ts'

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
    const config = parse(issuerConfig, entry, { file: loading.file, at, faults: loading.faults })
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
    const { ca } = config
    const fetch =
      ca === undefined
        ? loading.fetch
        : readable(loading, { at: [...at, 'ca'] }, () => trusting(located(loading.file, ca)))?.fetch
    if (fetch)
      issuers.set(name, compileIssuer(name, config, { fetch, clock: loading.clock, defaultAudience: url }))
  }
  return issuers
}

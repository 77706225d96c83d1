import { mintingTimeMs, type Connection, type ConnectionContext } from '../../src/provider/upstream.ts'
import type { GithubConfig } from './config.ts'
import type { GithubDetail } from './detail.ts'
import { diagnose } from './diagnose.ts'
import { mint } from './mint.ts'
import { ownerOf } from './names.ts'
import { allActions, includes } from './permissions.ts'
import { probe } from './probe.ts'
import { ownerOn, requests } from './requests.ts'
import { revoke } from './revoke.ts'
import { life } from './token.ts'
import { githubAt } from './upstream.ts'

/** One GitHub App on one host. @throws Error when its private key cannot be read. */
export function connect(config: GithubConfig, context: ConnectionContext): Connection<GithubDetail> {
  const { name } = config
  const github = githubAt(config, context)
  return {
    name,
    upstream: config.api,
    host: config.host,
    resources: config.owners.map((owner) => ({ ...ownerOn(config.host, owner), actions: allActions })),
    revokesAtOnce: 1,

    serves: ({ connection = name, repositories }) =>
      connection === name && repositories.every((repository) => config.owners.includes(ownerOf(repository))),

    revocation: () => 'immediate',
    ttl: () => ({ min: 1, max: life }),
    requests: (detail) => requests(detail, config.host),

    covers(outer, inner) {
      const repositories = new Set(outer.repositories)
      const held: Record<string, string> = outer.permissions
      return (
        (inner.connection ?? name) === (outer.connection ?? name) &&
        inner.repositories.every((repository) => repositories.has(repository)) &&
        Object.entries(inner.permissions).every(([permission, level]) => includes(held[permission], level))
      )
    },

    mint: (detail, _intent, { signal }) => mint(detail, github, signal),
    revoke: (handles, { signal }) => Promise.all(handles.map((handle) => revoke(handle, github, signal))),
    probe: (handle, { signal }) => probe(handle, github, signal),
    diagnose: ({ mightPermit, signal }) => diagnose(github, mightPermit, signal),

    // GitHub lists no tokens, and only a token can revoke itself: one whose value was lost lives its hour out.
    recover: async ({ createdAt }) => ({ gone: false, liveUntil: createdAt + mintingTimeMs + life * 1000 }),
  }
}

import type { Connection, ConnectionContext } from '../../src/provider.ts'
import { githubApi } from './api.ts'
import type { GithubConfig } from './config.ts'
import type { GithubDetail } from './detail.ts'
import { diagnose } from './diagnose.ts'
import { installations } from './installation.ts'
import { mint } from './mint.ts'
import { ownerOf } from './names.ts'
import { includes } from './permissions.ts'
import { probe } from './probe.ts'
import { requests } from './requests.ts'
import { revoke } from './revoke.ts'
import { life } from './token.ts'

/** Seconds that a mint may still be under way after its intent was recorded. */
const mintingTime = 60

/** One GitHub App on one host. @throws Error when its private key cannot be read. */
export function connect(config: GithubConfig, context: ConnectionContext): Connection<GithubDetail> {
  const { name } = config
  const { clock } = context
  const api = githubApi(config, context)
  const known = installations(api, clock)
  return {
    name,
    upstream: config.api,
    revokesAtOnce: 1,

    serves: ({ connection = name, repositories }) =>
      connection === name && repositories.every((repository) => config.owners.includes(ownerOf(repository))),

    revocation: () => 'immediate',
    ttl: () => ({ min: 1, max: life }),
    requests,

    covers(outer, inner) {
      const repositories = new Set(outer.repositories)
      const held: Record<string, string> = outer.permissions
      return (
        (inner.connection ?? name) === (outer.connection ?? name) &&
        inner.repositories.every((repository) => repositories.has(repository)) &&
        Object.entries(inner.permissions).every(([permission, level]) => includes(held[permission], level))
      )
    },

    mint: (detail, _intent, { signal }) => mint(detail, api, known, clock, signal),
    revoke: (handles, { signal }) => Promise.all(handles.map((handle) => revoke(handle, api, clock, signal))),
    probe: (handle, { signal }) => probe(handle, api, clock, signal),
    diagnose: ({ mightPermit, signal }) => diagnose(config, { api, clock, mightPermit, signal }),

    // GitHub lists no tokens, and only a token can revoke itself: one whose value was lost lives its hour out.
    recover: async ({ createdAt }) => ({ gone: false, liveUntil: createdAt + (life + mintingTime) * 1000 }),
  }
}

import { mintingTimeMs, type ConnectionContext, type Upstream } from '../../src/provider/upstream.ts'
import type { GithubConfig } from './config.ts'
import type { GithubDetail } from './detail.ts'
import { diagnose } from './diagnose.ts'
import { mint } from './mint.ts'
import { probe } from './probe.ts'
import { revoke } from './revoke.ts'
import { life } from './token.ts'
import { githubAt } from './upstream.ts'

/** One GitHub App on one host. @throws Error when its private key cannot be read. */
export function connect(config: GithubConfig, context: ConnectionContext): Upstream<GithubDetail> {
  const github = githubAt(config, context)
  return {
    revokesAtOnce: 1,
    mint: (detail, _intent, { signal }) => mint(detail, github, signal),
    revoke: (handles, { signal }) => Promise.all(handles.map((handle) => revoke(handle, github, signal))),
    probe: (handle, { signal }) => probe(handle, github, signal),
    diagnose: ({ mightPermit, signal }) => diagnose(github, mightPermit, signal),

    // GitHub lists no tokens, and only a token can revoke itself: one whose value was lost lives its hour out.
    recover: async ({ createdAt }) => ({ gone: false, liveUntil: createdAt + mintingTimeMs + life * 1000 }),
  }
}

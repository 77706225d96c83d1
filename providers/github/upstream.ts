import type { Clock } from '../../src/base/clock.ts'
import type { Doubt } from '../../src/provider/lag.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { githubApi, type Api } from './api.ts'
import type { GithubConfig } from './config.ts'
import { installations, type Installations } from './installation.ts'
import { tokenDoubt } from './token.ts'

/** One GitHub App on one host, and the ways to call it. */
export interface Github {
  config: GithubConfig
  clock: Clock
  api: Api
  known: Installations
  doubt: Doubt
}

/** @throws Error when the app's private key cannot be read. */
export function githubAt(config: GithubConfig, context: ConnectionContext): Github {
  const { clock } = context
  const api = githubApi(config, context)
  return { config, clock, api, known: installations(api, clock), doubt: tokenDoubt(clock) }
}

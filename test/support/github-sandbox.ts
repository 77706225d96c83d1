/** GitHub's strict local counterpart, and connections to it. */
import { github } from '../../providers/github.ts'
import { connect } from '../../providers/github/connect.ts'
import type { GithubConfig } from '../../providers/github/config.ts'
import type { GithubDetail } from '../../providers/github/detail.ts'
import { pooledFetch } from '../../src/outbound/pooled-fetch.ts'
import type { ConnectionContext, Intent } from '../../src/provider/upstream.ts'
import { defaultSettings, type GithubSettings } from '../../src/sandbox/github/settings.ts'
import { startSandbox } from '../../src/sandbox/sandbox.ts'
import { manualClock } from './clock.ts'
import { lentServices } from './services.ts'

const pooled = pooledFetch({ env: {} })

/** A detail for the installation on `acme`, normal. */
export const webWriter = github.detail.parse({
  type: 'github',
  repositories: ['acme/web'],
  permissions: { contents: 'write' },
})

// One a process, closed with it: making the app's key takes longer than all the rest.
const clock = manualClock()
const sandbox = await startSandbox({ clock })

/**
 * A connection of its own to GitHub as it was when it started, but for
 * `settings`. Its clock is GitHub's, `ahead` milliseconds on.
 */
export function connectGithub({
  settings = {},
  ahead = 0,
}: { settings?: Partial<GithubSettings>; ahead?: number } = {}) {
  const { url, appId, privateKey, faults, requests } = sandbox.github
  Object.assign(sandbox.github.settings, defaultSettings(), settings)
  sandbox.github.unsuspend()
  sandbox.ledger.entries.length = 0
  requests.length = 0
  faults.clear()
  const bodies: unknown[] = []
  const context: ConnectionContext = {
    ...lentServices,
    // Really sends: it only notes what left.
    fetch(input, init) {
      if (typeof init?.body === 'string') bodies.push(JSON.parse(init.body))
      return pooled(input, init)
    },
    clock: { ...clock, now: () => clock.now() + ahead },
    secret: () => privateKey,
  }
  const config = github.config.parse({
    name: 'acme',
    api: url,
    app_id: appId,
    private_key: { env: 'GITHUB_APP_KEY' },
    owners: ['acme'],
  }) satisfies GithubConfig
  const terms = github.terms(config)
  const connection = connect(config, context)
  const signal = new AbortController().signal
  return {
    sandbox,
    ledger: sandbox.ledger,
    faults,
    requests,
    /** JSON bodies sent, in order. */
    bodies,
    clock,
    config,
    context,
    terms,
    connection,
    mint: (detail: GithubDetail = webWriter, from = connection) =>
      from.mint(detail, intentOf(detail, context.clock.now()), { signal }),
    revoke: async (handle: Record<string, unknown>) =>
      (await connection.revoke([handle], { standing: () => Promise.resolve([]), signal }))[0],
    probe: (handle: Record<string, unknown>) => connection.probe(handle, { signal }),
    recover: (createdAt: number) => connection.recover(intentOf(webWriter, createdAt), { signal }),
  }
}

function intentOf(detail: GithubDetail, createdAt: number): Intent<GithubDetail> {
  return {
    leaseId: 'lease_test',
    taskId: 'task_test',
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    detail,
    createdAt,
    deadline: createdAt + 900_000,
  }
}

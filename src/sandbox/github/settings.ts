/** The app, installed on one owner's account. */
export interface GithubInstallation {
  owner: string
  ownerType: 'Organization' | 'User'
  installationId: number
  /** The names, without the owner, of the repositories that it covers. */
  repositories: string[]
  /** What it was granted: names as the API has them, levels `read`, `write` or `admin`. */
  permissions: Record<string, string>
}

/** May be changed at any time. The first installation's members stand here themselves. */
export interface GithubSettings extends GithubInstallation {
  /** Further installations of the same app, each on an owner of its own. */
  installations: GithubInstallation[]
  /** Milliseconds that a token lives. GitHub's is fixed: "the installation access token will expire after 1 hour". */
  tokenLife: number
  /** Milliseconds for which a new token is not known yet, not even when it is to be revoked. */
  replicationDelay: number
  /** What it is answered so long: clients of GitHub have reported both. */
  replicationRefusal: 401 | 403
  /** Milliseconds for which a token goes on working after GitHub has said that it is revoked. */
  revocationDelay: number
}

export function defaultSettings(): GithubSettings {
  return {
    owner: 'acme',
    ownerType: 'Organization',
    installationId: 5001,
    repositories: ['web', 'infra', 'docs'],
    permissions: {
      actions: 'read',
      administration: 'read',
      checks: 'write',
      contents: 'write',
      deployments: 'write',
      environments: 'write',
      issues: 'write',
      members: 'read',
      metadata: 'read',
      packages: 'write',
      pull_requests: 'write',
      secrets: 'write',
      statuses: 'write',
      workflows: 'write',
    },
    installations: [],
    tokenLife: 3_600_000,
    replicationDelay: 0,
    replicationRefusal: 401,
    revocationDelay: 0,
  }
}

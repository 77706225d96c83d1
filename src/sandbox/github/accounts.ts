/** Who owns what: the app's installations, and the repositories that each of them covers. */
import type { Clock } from '../../base/clock.ts'
import type { GithubInstallation, GithubSettings } from './settings.ts'

export interface Repository {
  id: number
  owner: string
  name: string
}

export interface Accounts {
  byId(installationId: number): GithubInstallation | undefined
  byOwner(owner: string): GithubInstallation | undefined
  /** What an installation covers now. */
  repositories(installation: GithubInstallation): Repository[]
  suspendedAt(installationId: number): number | undefined
  suspend(installationId: number): void
  unsuspend(installationId: number): void
  installationJson: (installation: GithubInstallation) => Record<string, unknown>
  repositoryJson: (repository: Repository) => Record<string, unknown>
}

/** GitHub finds owners and repositories by name in whatever case. */
export const sameName = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

export function createAccounts(settings: GithubSettings, clock: Clock): Accounts {
  const suspended = new Map<number, number>()
  const ids = new Map<string, number>()
  /** Stable for as long as the server runs, also when a repository leaves an installation and comes back. */
  const idOf = (name: string) => {
    const key = name.toLowerCase()
    const id = ids.get(key) ?? 700_001 + ids.size
    ids.set(key, id)
    return id
  }
  const installations = () => [settings, ...settings.installations]
  const ownerJson = (owner: string) => ({
    login: owner,
    id: idOf(owner),
    type: installations().find((installation) => sameName(installation.owner, owner))?.ownerType,
  })

  return {
    byId: (id) => installations().find(({ installationId }) => installationId === id),
    byOwner: (owner) => installations().find((installation) => sameName(installation.owner, owner)),
    repositories: ({ owner, repositories }) =>
      repositories.map((name) => ({ id: idOf(`${owner}/${name}`), owner, name })),
    suspendedAt: (installationId) => suspended.get(installationId),
    suspend: (installationId) => void suspended.set(installationId, clock.now()),
    unsuspend: (installationId) => void suspended.delete(installationId),

    installationJson(installation) {
      const at = suspended.get(installation.installationId)
      return {
        id: installation.installationId,
        account: ownerJson(installation.owner),
        target_type: installation.ownerType,
        repository_selection: 'all',
        permissions: installation.permissions,
        events: [],
        suspended_at: at === undefined ? null : new Date(at).toISOString(),
      }
    },
    repositoryJson: ({ id, owner, name }) => ({
      id,
      name,
      full_name: `${owner}/${name}`,
      private: true,
      owner: ownerJson(owner),
      default_branch: 'main',
    }),
  }
}

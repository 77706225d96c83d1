/** What the command of `mayfly run` finds in its environment. */
import type { TaskAccess } from '../client.ts'
import { type Environment, isAmbient } from './ambient.ts'
import { gitConfiguration, type GitSetup } from './git-config.ts'

export interface Given {
  /** The broker's. */
  url: string
  /** The workload's OIDC token. */
  identity: string
  task: TaskAccess
  git: GitSetup
  /** The owners of the GitHub repositories in the task's scope. */
  owners: readonly string[]
  /** Variables that keep tools from logins of their own (`guards.ts`), and that give them the task's (`tools.ts`). */
  guards: Environment
  tools: Environment
  /** Names of variables that are for the command as they are for the parent, set or not. */
  keep: readonly string[]
}

/**
 * The parent's variables without the logins among them, and with the task.
 *
 * @throws TypeError for a `GIT_CONFIG_COUNT` that git would not take either.
 */
export function childEnvironment(parent: Environment, given: Given): Environment {
  const { url, identity, task, git, owners, guards, tools, keep } = given
  return {
    ...Object.fromEntries(
      Object.entries(parent).filter(([name, value]) => !isAmbient(name, value, identity)),
    ),
    ...gitConfiguration(parent['GIT_CONFIG_COUNT'], git, owners),
    ...guards,
    ...tools,
    ...Object.fromEntries(keep.map((name) => [name, parent[name]])),
    MAYFLY_URL: url,
    MAYFLY_TASK: task.id,
    MAYFLY_TASK_TOKEN: task.token,
  }
}

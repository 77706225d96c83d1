/** A task's scope as it is stored, and under the rules of today. */
import { isBrokerError } from '../base/errors.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import type { Rules } from './context.ts'
import type { ScopeItem, Task } from './task.ts'

export function toScopeItem({ entry, asked }: ResolvedDetail): ScopeItem {
  return { provider: entry.provider.type, connection: entry.name, detail: asked }
}

/** The scope with its connections, or undefined where one of its details could no longer be asked for. */
export function resolveScope(rules: Rules, task: Task): ResolvedDetail[] | undefined {
  try {
    return task.scope.map((item) => {
      const resolved = rules.connections.resolve(
        { ...(item.detail as object), connection: item.connection },
        'scope',
      )
      return { ...resolved, asked: item.detail }
    })
  } catch (error) {
    if (isBrokerError(error)) return undefined
    throw error
  }
}

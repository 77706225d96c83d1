/** A node that is behind: it answers from what it has heard of so far ("Vault Enterprise Eventual Consistency"). */
import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../../base/clock.ts'
import { refusal } from './refusal.ts'
import type { VaultSettings } from './settings.ts'

export interface Standby {
  /** To be called when anything is changed: how far the node that writes has come. */
  changed(): void
  /** Whether it has heard of what happened at `at`, milliseconds since 1970. */
  knows: (at: number) => boolean
  /** Refuses whom it could only tell what is no longer so, where it tells how far it has come. */
  index: MiddlewareHandler
}

export function createStandby(settings: VaultSettings, clock: Clock): Standby {
  let changedAt = 0
  const knows = (at: number) => clock.now() >= at + settings.standby.lag
  return {
    changed: () => void (changedAt = clock.now()),
    knows,
    async index(c, next) {
      const { tellsIndex } = settings.standby
      // To those who ask for it an index is opaque; here it is the time of the last change.
      const asked = c.req.header('x-vault-index')
      if (tellsIndex && asked !== undefined && !knows(Number(asked)))
        throw refusal(412, 'required index state not present')
      await next()
      if (tellsIndex) c.header('x-vault-index', String(changedAt))
    },
  }
}

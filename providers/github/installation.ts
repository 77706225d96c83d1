import { z } from 'zod'
import type { Clock } from '../../src/base/clock.ts'
import { garbage, refused } from '../../src/provider/answers.ts'
import type { Api } from './api.ts'
import { ownerOf } from './names.ts'
import { refusal } from './refusal.ts'

/** The app as it is installed on one owner. */
export interface Installation {
  id: number
  /** What it was granted, where GitHub says so: the most that a token of it can have. */
  permissions: Record<string, string> | undefined
}

// Only the id is needed to mint. What else is said has to agree with what was
// asked; the token itself is held against it in any case (`wider`).
const answered = z.object({
  id: z.int().positive(),
  account: z.object({ login: z.string().optional() }).nullish(),
  permissions: z.record(z.string(), z.string()).optional(),
  suspended_at: z.string().nullish(),
})

const rememberedForMs = 10 * 60_000

export interface Installations {
  /** The one that last reached `repository`, if that is recent. */
  remembered(repository: string): Installation | undefined
  forget(repository: string): void
  /** Asks GitHub which installation reaches `repository`. @throws ProviderError */
  find(repository: string, signal: AbortSignal): Promise<Installation>
}

/**
 * Finds installations and remembers them for ten minutes, each for the repository
 * that it was found by: an app may be installed on only some of an owner's.
 */
export function installations(api: Api, clock: Clock): Installations {
  const known = new Map<string, { installation: Installation; until: number }>()
  return {
    remembered(repository) {
      const entry = known.get(repository)
      return entry && clock.now() < entry.until ? entry.installation : undefined
    },

    forget(repository) {
      known.delete(repository)
    },

    async find(repository, signal) {
      const owner = ownerOf(repository)
      known.delete(repository)
      const repo = repository.slice(owner.length + 1)
      const answer = await api.asApp('GET /repos/{owner}/{repo}/installation', { owner, repo }, signal)
      if (answer.status !== 200) {
        throw refusal(
          answer,
          {
            401: 'the app id and its private key are not accepted',
            403: 'the app may not look up its installation',
            404: `the app is not installed on ${repository}`,
          },
          false,
        )
      }
      const parsed = answered.safeParse(answer.data)
      if (!parsed.success) throw garbage('GitHub', false)
      const { id, account, permissions, suspended_at } = parsed.data
      if ((account?.login ?? owner).toLowerCase() !== owner) throw garbage('GitHub', false)
      if (typeof suspended_at === 'string') {
        throw refused(`the app's installation on ${owner} is suspended`)
      }
      const installation = { id, permissions }
      known.set(repository, { installation, until: clock.now() + rememberedForMs })
      return installation
    },
  }
}

import { z } from 'zod'
import type { Clock } from '../../src/clock.ts'
import { ProviderError } from '../../src/provider.ts'
import type { Api } from './api.ts'
import { ownerOf } from './names.ts'
import { garbage, refusal } from './refusal.ts'

/** The app as it is installed on one owner. */
export interface Installation {
  id: number
  /** What it was granted: the most that a token of it can have. */
  permissions: Record<string, string>
}

const answered = z.object({
  id: z.int().positive(),
  account: z.object({ login: z.string() }),
  permissions: z.record(z.string(), z.string()),
  suspended_at: z.string().nullish(),
})

const rememberedFor = 10 * 60_000

/** Finds the installation of each owner and remembers it for ten minutes. */
export function installations(api: Api, clock: Clock) {
  const known = new Map<string, { installation: Installation; until: number }>()
  return {
    /** The one last seen on `owner`, if that is recent. */
    remembered(owner: string): Installation | undefined {
      const entry = known.get(owner)
      return entry && clock.now() < entry.until ? entry.installation : undefined
    },

    forget(owner: string): void {
      known.delete(owner)
    },

    /** Asks GitHub which installation reaches `repository`. @throws ProviderError */
    async find(repository: string, signal: AbortSignal): Promise<Installation> {
      const owner = ownerOf(repository)
      known.delete(owner)
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
          clock.now(),
        )
      }
      const parsed = answered.safeParse(answer.data)
      if (!parsed.success || parsed.data.account.login.toLowerCase() !== owner) throw garbage(false)
      const { id, permissions, suspended_at } = parsed.data
      if (typeof suspended_at === 'string') {
        throw new ProviderError('rejected', `the app's installation on ${owner} is suspended`)
      }
      const installation = { id, permissions }
      known.set(owner, { installation, until: clock.now() + rememberedFor })
      return installation
    },
  }
}

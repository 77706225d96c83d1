import { createHash } from 'node:crypto'
import { z } from 'zod'
import { garbage, refused } from '../../src/provider/answers.ts'
import type { Minted } from '../../src/provider/upstream.ts'
import type { Answer } from './api.ts'
import { githubDetail, type GithubDetail } from './detail.ts'
import { ownerOf } from './names.ts'
import { includes, type Permissions } from './permissions.ts'
import { refusal } from './refusal.ts'
import { life, tokenText } from './token.ts'
import type { Github } from './upstream.ts'
import { wider } from './wider.ts'

const answered = z.object({
  token: tokenText,
  // Nobody may use a token of which this is not known (`wider`), but it can be revoked all the same.
  expires_at: z.iso.datetime({ offset: true }).optional().catch(undefined),
})

/**
 * Mints one installation token for one lease: each call is a request of its own,
 * so that revoking one lease's token never ends another's.
 *
 * @throws ProviderError
 */
export async function mint(
  detail: GithubDetail,
  { api, known, clock }: Github,
  signal: AbortSignal,
): Promise<Minted> {
  // SAFEGUARD, whatever earlier code did: to GitHub, an empty list means everything the installation has.
  if (!githubDetail.safeParse(detail).success) {
    throw refused('the authorization detail is not one that may be sent to GitHub')
  }
  const { repositories, permissions } = detail
  const first = repositories[0]!
  const owner = ownerOf(first)

  let installation = known.remembered(first)
  if (!installation || ungranted(permissions, installation.permissions)) {
    installation = await known.find(first, signal)
  }
  const excess = ungranted(permissions, installation.permissions)
  if (excess) throw refused(`the app's installation on ${owner} was not granted ${excess}`)

  const answer = await api.asApp(
    'POST /app/installations/{installation_id}/access_tokens',
    {
      installation_id: installation.id,
      repositories: repositories.map((name) => name.slice(owner.length + 1)),
      permissions,
    },
    signal,
  )
  if (answer.status !== 201) {
    const error = refusal(answer, meanings, true)
    if (error.kind === 'rejected') known.forget(first)
    throw error
  }
  const parsed = answered.safeParse(answer.data)
  if (!parsed.success) throw garbage('GitHub', true)
  const { token, expires_at } = parsed.data
  const beyond = wider(detail, answer.data)
  return {
    credential: { token },
    accessToken: token,
    expiresAt: expires_at === undefined ? clock.now() + life * 1000 : Date.parse(expires_at) + skewMs(answer),
    handle: { token, installation: installation.id, mintedAt: clock.now() },
    // The `hashed_token` of GitHub's audit log.
    fingerprint: createHash('sha256').update(token).digest('base64'),
    ...(beyond === undefined ? {} : { wider: beyond }),
  }
}

const meanings = {
  401: 'the app id and its private key are not accepted',
  403: "the app's installation is suspended or may not do this",
  404: "the app's installation is gone",
  422: "a repository or permission is not in the app's installation",
}

/**
 * The first permission that `granted` lacks, as `contents: write`. An
 * installation that does not say what it was granted leaves the refusal to the mint.
 */
function ungranted(asked: Permissions, granted: Record<string, string> | undefined): string | undefined {
  if (!granted) return undefined
  const lacking = Object.entries(asked).find(([name, level]) => !includes(granted[name], level))
  return lacking?.join(': ')
}

/** Two clocks no further apart count as the same: the `Date` header has whole seconds. */
const sameTimeMs = 5_000

/**
 * How far our clock is ahead of GitHub's. Left in, it would let a
 * lease end as expired while its token works on for that long (invariant I3).
 */
function skewMs({ headers, at }: Answer): number {
  const aheadMs = at - Date.parse(String(headers['date']))
  return Math.abs(aheadMs) > sameTimeMs ? aheadMs : 0
}

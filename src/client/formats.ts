/** One credential as the tools want it that run a command to get theirs. */
import type { MintedCredential } from './client.ts'

type Write = (minted: MintedCredential, until: number) => string | undefined

/** Undefined where the credential has not what the format is for. */
const formats = {
  /** The secret alone: `apiKeyHelper`, Docker's `sbx secret set --command`, nono's `cmd://`. */
  raw: (minted) => bearerOf(minted),
  /** What is known of it, for programs. */
  json(minted, until) {
    const token = bearerOf(minted)
    return token && JSON.stringify({ version: 1, token, expires_at: new Date(until).toISOString() })
  },
  /** Kubernetes, "Client authentication (v1)": `ExecCredential`. */
  exec(minted, until) {
    const token = bearerOf(minted)
    const status = { expirationTimestamp: wholeSeconds(until), token }
    return (
      token &&
      JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status })
    )
  },
  /** AWS, "Process credential provider", and what `aws configure export-credentials` prints. */
  aws(minted, until) {
    const parts = awsParts(minted)
    return parts && JSON.stringify({ Version: 1, ...parts, Expiration: wholeSeconds(until) })
  },
  /**
   * git-credential(1): `ephemeral` keeps helpers that store from storing it, where the
   * capability that it belongs to is announced before it.
   */
  git(minted, until) {
    const token = minted.lease.provider === 'github' ? bearerOf(minted) : undefined
    return (
      token &&
      [
        'capability[]=authtype',
        'username=x-access-token',
        `password=${token}`,
        `password_expiry_utc=${Math.floor(until / 1000)}`,
        'ephemeral=1',
      ].join('\n')
    )
  },
  /** Headers of a request, as `headersHelper` of an MCP server's configuration has them. */
  headers(minted) {
    const token = bearerOf(minted)
    return token && JSON.stringify({ Authorization: `Bearer ${token}` })
  },
} satisfies Record<string, Write>

export type Format = keyof typeof formats

export const formatNames = Object.keys(formats) as Format[]

/**
 * The credential in this format; undefined where it is none for that. No expiry in it is
 * later than what ends first, the task or the credential; `until`, milliseconds since 1970,
 * is earlier than both where somebody gives it back before.
 */
export function inFormat(format: Format, minted: MintedCredential & { until?: number }): string | undefined {
  return formats[format](minted, minted.until ?? endOf(minted))
}

/** When it ends with its task, or by itself. Milliseconds since 1970. */
function endOf({ lease: { deadline, upstream_expires_at: upstream } }: MintedCredential): number {
  return Math.min(Date.parse(deadline), upstream === null ? Infinity : Date.parse(upstream))
}

/** The one secret of a credential that has one. */
export function bearerOf({ credential: { token } }: MintedCredential): string | undefined {
  return typeof token === 'string' ? token : undefined
}

/** The three parts of an AWS credential, as AWS writes their names. */
export function awsParts({
  credential,
}: MintedCredential): Record<'AccessKeyId' | 'SecretAccessKey' | 'SessionToken', string> | undefined {
  const { access_key_id: id, secret_access_key: secret, session_token: session } = credential
  return typeof id === 'string' && typeof secret === 'string' && typeof session === 'string'
    ? { AccessKeyId: id, SecretAccessKey: secret, SessionToken: session }
    : undefined
}

/** Earlier rather than later; not every reader takes fractions. */
export function wholeSeconds(time: number): string {
  return new Date(Math.floor(time / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}

/** One credential as the tools want it that run a command to get theirs. */
import type { MintedCredential } from './client.ts'

type Write = (minted: MintedCredential, expires: string) => string | undefined

/** Undefined where the credential has not what the format is for. */
const formats = {
  /** The secret alone: `apiKeyHelper`, Docker's `sbx secret set --command`, nono's `cmd://`. */
  raw: (minted) => bearerOf(minted),
  /** What is known of it, for programs. */
  json(minted, expires) {
    const token = bearerOf(minted)
    return token && JSON.stringify({ version: 1, token, expires_at: expires })
  },
  /** Kubernetes, "Client authentication (v1)": `ExecCredential`. */
  exec(minted, expires) {
    const token = bearerOf(minted)
    const status = { expirationTimestamp: wholeSeconds(expires), token }
    return (
      token &&
      JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status })
    )
  },
  /** AWS, "Process credential provider", and what `aws configure export-credentials` prints. */
  aws({ credential }, expires) {
    const { access_key_id: id, secret_access_key: secret, session_token: session } = credential
    return id && secret && session
      ? JSON.stringify({
          Version: 1,
          AccessKeyId: id,
          SecretAccessKey: secret,
          SessionToken: session,
          Expiration: wholeSeconds(expires),
        })
      : undefined
  },
  /** git-credential(1): `ephemeral` keeps helpers that store from storing it. */
  git(minted, expires) {
    const token = minted.lease.provider === 'github' ? bearerOf(minted) : undefined
    const until = Math.floor(Date.parse(expires) / 1000)
    return (
      token &&
      ['username=x-access-token', `password=${token}`, `password_expiry_utc=${until}`, 'ephemeral=1'].join(
        '\n',
      )
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
 * later than what ends first, the task or the credential.
 */
export function inFormat(format: Format, minted: MintedCredential): string | undefined {
  const { deadline, upstream_expires_at: upstream } = minted.lease
  const expires = upstream !== null && Date.parse(upstream) < Date.parse(deadline) ? upstream : deadline
  return formats[format](minted, expires)
}

/** The one secret of a credential that has one. */
function bearerOf({ credential: { token } }: MintedCredential): string | undefined {
  return typeof token === 'string' ? token : undefined
}

/** Earlier rather than later; not every reader takes fractions. */
function wholeSeconds(time: string): string {
  return new Date(Math.floor(Date.parse(time) / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}

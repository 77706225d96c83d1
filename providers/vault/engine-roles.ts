/** What engines say of the declared paths: whether they take back what they make there. */
import { z } from 'zod'
import type { Revocation } from '../../src/provider/terms.ts'
import type { Finding } from '../../src/provider/upstream.ts'
import type { DeclaredPath } from './config.ts'
import type { Vault } from './upstream.ts'

/** The broker need not be allowed to read an engine's roles: then nothing is said. @throws ProviderError */
export async function engineFindings(vault: Vault, signal: AbortSignal): Promise<Finding[]> {
  const found = await Promise.all(vault.config.paths.map((declared) => findingOf(declared, vault, signal)))
  return found.filter((finding) => finding !== undefined)
}

async function findingOf(
  { path, revocation }: DeclaredPath,
  { asBroker }: Vault,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  // `aws/creds/NAME`, `aws/sts/NAME` and `kubernetes/creds/NAME`, wherever these are mounted.
  const { mount, kind, name } = /^(?<mount>.+)\/(?<kind>creds|sts)\/(?<name>[^/]+)$/.exec(path)?.groups ?? {}
  if (mount === undefined) return undefined
  const answer = await asBroker('read', `${mount}/roles/${name}`, { signal, acts: false })
  if (answer.status !== 200) return undefined
  const known = awsRole.safeParse(answer.body).data ?? kubernetesRole.safeParse(answer.body).data
  const really = known && ('types' in known ? ofAws(known.types, kind === 'sts') : known.revocation)
  if (really === undefined || really === revocation) return undefined
  if (really === 'expiry')
    return {
      status: 'fault',
      message: `what the engine makes at ${path} lives on when its lease is revoked`,
      remedy: 'Declare `revocation: expiry` there, or have the role make an account for each lease.',
    }
  return {
    status: 'fault',
    message: `what the engine makes at ${path} can be taken back at once, and is left to expire`,
    remedy: 'Take `revocation: expiry` away from it.',
  }
}

const awsRole = z
  .object({ data: z.object({ credential_type: z.union([z.string(), z.array(z.string())]) }) })
  .transform(({ data }) => ({ types: [data.credential_type].flat().flatMap((types) => types.split(',')) }))

const sessions = ['assumed_role', 'federation_token', 'session_token']

/** Of a role that has several, as some from before there were types do, the path chooses (`pathCredsRead`). */
function ofAws(types: string[], bySts: boolean): Revocation {
  const users = types.includes('iam_user')
  const lasting = types.some((type) => sessions.includes(type))
  return lasting && (bySts || !users) ? 'expiry' : 'immediate'
}

/** An account that is there already is not deleted, and its tokens work on (`kubeTokenRevoke`). */
const kubernetesRole = z
  .object({ data: z.object({ service_account_name: z.string() }) })
  .transform(({ data }): { revocation: Revocation } => ({
    revocation: data.service_account_name === '' ? 'immediate' : 'expiry',
  }))

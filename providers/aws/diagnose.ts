import { ProviderError } from '../../src/provider/failure.ts'
import type { Finding } from '../../src/provider/upstream.ts'
import type { DenyPolicies } from './enforce.ts'
import { quota, slots } from './room.ts'
import type { Aws } from './upstream.ts'

/** Sessions. With fewer slots than this an agent's quarter is hardly one. */
const few = 8

/**
 * Whether AWS knows the broker, and would let it deny sessions of its roles. Only a
 * mint shows whether a role may be assumed.
 *
 * @throws ProviderError
 */
export async function diagnose(aws: Aws, signal: AbortSignal): Promise<Finding[]> {
  const { config, policies } = aws
  const identity = await whoWeAre(aws, signal)
  if (!policies)
    return [
      ...identity,
      { status: 'ok', message: 'sessions end with their own life: IAM is not needed for that' },
    ]
  const roles = config.roles.map(
    async ({ arn }) => (await inability(arn, policies, signal)) ?? (await roomOn(arn, policies, signal)),
  )
  return [...identity, ...(await Promise.all(roles))]
}

async function whoWeAre({ api, policies }: Aws, signal: AbortSignal): Promise<Finding[]> {
  const arn = await api.caller(signal)
  if (arn === undefined)
    return [
      {
        status: 'warning',
        message: 'AWS does not tell who the broker is',
        remedy: 'Mint something through it to see that it works.',
      },
    ]
  const known: Finding = { status: 'ok', message: `AWS knows the broker as ${arn}` }
  if (!policies || (await api.self(signal)).chains) return [known]
  return [
    known,
    {
      status: 'warning',
      message:
        'a session can become a console session, so each has to be denied for 12 hours and takes its room so long',
      remedy:
        'Let the broker act as a role, as with `web_identity`, instead of with the keys of an IAM user.',
    },
  ]
}

async function inability(
  role: string,
  policies: DenyPolicies,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  try {
    await policies.tryOut(role, signal)
    return undefined
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    return {
      status: 'fault',
      message: `sessions of ${role} could not be taken back, so none is minted: ${error.message}`,
      remedy:
        error.remedy ??
        "Check that there is such a role, and that the broker's own policies and the organization's service control policies let it do iam:GetRolePolicy and iam:PutRolePolicy there.",
    }
  }
}

async function roomOn(role: string, policies: DenyPolicies, signal: AbortSignal): Promise<Finding> {
  try {
    const room = slots(quota - (await policies.takenByOthers(role, signal)))
    const message = `${role} has room to deny ${room} sessions at a time`
    if (room >= few) return { status: 'ok', message }
    return {
      status: room === 0 ? 'fault' : 'warning',
      message,
      remedy: 'Make its other inline policies managed ones: those do not count.',
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    return {
      status: 'fault',
      message: `the inline policies of ${role} cannot be read: ${error.message}`,
      remedy:
        error.remedy ??
        'Let the broker do iam:ListRolePolicies and iam:GetRolePolicy with it: they take from the room.',
    }
  }
}

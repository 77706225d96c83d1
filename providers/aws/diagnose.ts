import { ProviderError, type Finding } from '../../src/provider.ts'
import type { DenyPolicies } from './enforce.ts'
import { quota, slots } from './room.ts'
import type { Aws } from './upstream.ts'

/** Sessions. With fewer slots than this an agent's quarter is hardly one. */
const few = 8

/**
 * Whether AWS knows the broker, and its roles can be read as revoking takes it.
 * Only a mint shows whether a role may be assumed.
 *
 * @throws ProviderError
 */
export async function diagnose({ config, api, policies }: Aws, signal: AbortSignal): Promise<Finding[]> {
  const arn = await api.caller(signal)
  const identity: Finding =
    arn === undefined
      ? {
          status: 'warning',
          message: 'AWS does not tell who the broker is',
          remedy: 'Mint something through it to see that it works.',
        }
      : { status: 'ok', message: `AWS knows the broker as ${arn}` }
  if (!policies)
    return [
      identity,
      { status: 'ok', message: 'sessions end with their own life: IAM is not needed for that' },
    ]
  return [identity, ...(await Promise.all(config.roles.map((role) => roomOn(role.arn, policies, signal))))]
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
      remedy: 'Check that there is such a role, and what the broker may do with it.',
    }
  }
}

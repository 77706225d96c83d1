import { isBrokerError } from '../../base/errors.ts'
import type { Issuer, Issuers } from '../../identity/issuer.ts'
import { networkFault } from '../../outbound/network-fault.ts'
import type { Check } from './check.ts'

/** Whether each issuer publishes keys that tokens can be verified with. */
export async function checkIssuers(issuers: Issuers): Promise<Check[]> {
  return await Promise.all([...issuers.values()].map(checkIssuer))
}

async function checkIssuer({ name, issuer, algorithms, keys }: Issuer): Promise<Check> {
  const check = `issuer ${name}`
  try {
    // A key that nobody has: its absence can only be told from keys that were fetched.
    await keys({ alg: algorithms[0]!, kid: 'mayfly-doctor' })
  } catch (error) {
    if (isBrokerError(error))
      return {
        check,
        status: 'fault',
        message: error.message,
        remedy: isBrokerError(error, 'unavailable')
          ? (networkFault(error.cause)?.remedy ??
            (error.cause === undefined
              ? `It was reached: look at how ${issuer} is, then run this again.`
              : `Check that ${issuer} can be reached from here, and its \`ca\` if it has one of its own.`))
          : `Check \`issuers.${name}\`: its \`issuer\`, and \`jwks_uri\` if the keys are elsewhere.`,
      }
  }
  return { check, status: 'ok', message: `${issuer} publishes its keys` }
}

/** Whether the policies that tokens are given open anything that outlives those tokens. */
import { z } from 'zod'
import type { Finding } from '../../src/provider/upstream.ts'
import { opened } from './outliving.ts'
import { rulesIn, type Rule } from './policy-text.ts'
import type { Vault } from './upstream.ts'

const shown = z.object({ data: z.object({ policy: z.string() }) })

/**
 * The broker need not be allowed to read policies: then nothing is said. Those of
 * the paths are left out, whose tokens nobody is given.
 *
 * @throws ProviderError
 */
export async function policyFindings({ config, asBroker }: Vault, signal: AbortSignal): Promise<Finding[]> {
  const found = await Promise.all(
    config.policies.map(async ({ name }): Promise<Finding[]> => {
      const answer = await asBroker('read', `sys/policies/acl/${name}`, { signal, acts: false })
      const text = shown.safeParse(answer.body).data?.data.policy
      return answer.status === 200 && text !== undefined ? findingsOn(name, text) : []
    }),
  )
  return found.flat()
}

const remedy =
  'Take it out of the policy, or do not declare the policy: the end of the token does not end it.'

function findingsOn(name: string, text: string): Finding[] {
  let rules: Rule[]
  try {
    rules = rulesIn(text)
  } catch {
    const message = `what the policy ${name} says cannot be read, nor what it opens that outlives a token`
    return [{ status: 'warning', message, remedy: 'Look at it yourself.' }]
  }
  const kinds = opened(rules)
  if (kinds.length === 0) return []
  const message = `a token with the policy ${name} may make what outlives it: ${kinds.join('; ')}`
  return [{ status: 'warning', message: message.replaceAll(/[^\x20-\x7e]/g, '?'), remedy }]
}

/** What a task asks of AWS: one RFC 9396 authorization detail. */
import { z, type ZodType } from 'zod'
import { roleArn } from './arn.ts'
import { actionPattern, resourcePattern, sameAction } from './patterns.ts'
import { longestSessionPolicy, sessionPolicy } from './session-policy.ts'

export interface AwsDetail {
  type: 'aws'
  /** The configured connection, where several would fit. */
  connection?: string
  role_arn: string
  /** With `resources`: all that the session may do, of what the role may. Sorted. */
  actions?: string[]
  resources?: string[]
}

/** Sorted, and of those that are the same under `key` only the first. */
const distinct =
  (key = (text: string) => text) =>
  (texts: string[]) =>
    [...new Map(texts.toSorted().toReversed().map((text) => [key(text), text])).values()].toSorted()

/** The schema of a detail. Its output is normal: equal requests are equal JSON. */
export const awsDetail: ZodType<AwsDetail> = z
  .strictObject({
    type: z.literal('aws'),
    connection: z.string().min(1).exactOptional(),
    role_arn: roleArn,
    actions: z.array(actionPattern).min(1).transform(distinct(sameAction)).exactOptional(),
    resources: z.array(resourcePattern).min(1).transform(distinct()).exactOptional(),
  })
  .refine(({ actions, resources }) => (actions === undefined) === (resources === undefined), {
    error: 'actions and resources narrow together: name both or neither',
  })
  .refine((detail) => sessionPolicy(detail).length <= longestSessionPolicy, {
    error: `actions and resources make a session policy of more than ${longestSessionPolicy} characters, which AWS does not take; wildcards make it shorter`,
  })

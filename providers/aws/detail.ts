/** What a task asks of AWS: one RFC 9396 authorization detail. */
import { z, type ZodType } from 'zod'
import { roleArn } from './arn.ts'
import { actionPattern, resourcePattern, foldedAction } from './patterns.ts'
import { longestFor, longestSessionPolicy } from './session-policy.ts'
import { strict } from '../../src/base/issues.ts'

export interface AwsDetail {
  type: 'aws'
  role_arn: string
  /** With `resources`: all that the session may do, of what the role may. Sorted. */
  actions?: string[]
  resources?: string[]
}

/** Sorts, and keeps the first of those that are the same under `key`. */
const distinct =
  (key: (text: string) => string = (text) => text) =>
  (texts: string[]) => {
    const kept = new Map<string, string>()
    for (const text of texts.toSorted()) if (!kept.has(key(text))) kept.set(key(text), text)
    return [...kept.values()]
  }

/** The schema of a detail. Its output is normal: equal requests are equal JSON. */
export const awsDetail: ZodType<AwsDetail> = strict({
  type: z.literal('aws'),
  role_arn: roleArn,
  actions: z.array(actionPattern).min(1).transform(distinct(foldedAction)).exactOptional(),
  resources: z.array(resourcePattern).min(1).transform(distinct()).exactOptional(),
})
  .refine(({ actions, resources }) => (actions === undefined) === (resources === undefined), {
    error: 'actions and resources narrow together: name both or neither',
  })
  .refine((detail) => longestFor(detail) <= longestSessionPolicy, {
    error: `actions and resources make a session policy of more than ${longestSessionPolicy} characters, which AWS does not take; wildcards make it shorter`,
  })

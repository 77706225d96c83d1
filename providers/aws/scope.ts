import { faultTexts, inOneText } from '../../src/base/issues.ts'
import { awsDetail, type AwsDetail } from './detail.ts'

export const scopeExamples = ['arn:aws:iam::123456789012:role/deployer']

/**
 * Reads the command line's shorthand, the ARN of a role. Narrowing has none:
 * actions and resources hold every character that could separate them.
 *
 * @throws Error that says what is wrong and what is expected.
 */
export function parseScope(text: string): AwsDetail {
  const parsed = awsDetail.safeParse({ type: 'aws', role_arn: text })
  if (parsed.success) return parsed.data
  throw new Error(`${inOneText(faultTexts(parsed.error))}; an aws scope is the ARN of a role`)
}

export function scopeText({ role_arn: role, actions, resources }: AwsDetail): string {
  return actions && resources ? `${role} (${actions.join(', ')} on ${resources.join(', ')})` : role
}

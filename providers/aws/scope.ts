import { faultTexts, inOneText } from '../../src/base/issues.ts'
import { awsDetail, type AwsDetail } from './detail.ts'

const form = 'ROLE_ARN or ROLE_ARN:actions=ACTION[,ACTION…]:resources=ARN[,ARN…]'

export const scopeExamples = [
  'arn:aws:iam::123456789012:role/deployer',
  'arn:aws:iam::123456789012:role/deployer:actions=s3:GetObject,s3:PutObject:resources=arn:aws:s3:::bucket/*',
]

/** No action has a comma in it, nor what stands before `resources=`. */
const narrowed = /^(?<role>.*?):actions=(?<actions>[^=]*):resources=(?<resources>.*)$/s

/**
 * Reads the command line's shorthand: the ARN of a role, and what it is narrowed to. In a
 * resource, a comma is written `%2C` and a percent sign `%25`.
 *
 * @throws Error that says what is wrong and what is expected.
 */
export function parseScope(text: string): AwsDetail {
  const { role = text, actions, resources } = narrowed.exec(text)?.groups ?? {}
  const asked = {
    type: 'aws',
    role_arn: role,
    ...(actions !== undefined && { actions: actions.split(',') }),
    ...(resources !== undefined && { resources: resources.split(',').map(unescaped) }),
  }
  const parsed = awsDetail.safeParse(asked)
  if (parsed.success) return parsed.data
  throw new Error(`${inOneText(faultTexts(parsed.error))}; an aws scope is ${form}`)
}

export function scopeText({ role_arn: role, actions, resources }: AwsDetail): string {
  if (!actions || !resources) return role
  return `${role}:actions=${actions.join(',')}:resources=${resources.map(escaped).join(',')}`
}

function escaped(resource: string): string {
  return resource.replaceAll('%', '%25').replaceAll(',', '%2C')
}

/** Only what `escaped` writes: any other `%` is the resource's own. */
function unescaped(written: string): string {
  return written.replaceAll(/%2C|%25/gi, (code) => (code === '%25' ? '%' : ','))
}

import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'

test.each([
  '',
  'deployer',
  'arn:aws:iam::123456789012:role/',
  'arn:aws:iam::123456789012:role/*',
  'arn:aws:iam::123456789012:role/a/../b c',
  'arn:aws:iam::123456789012:role/deployer\n',
  'arn:aws:iam::12345678901:role/deployer',
  'arn:aws:iam:eu-west-1:123456789012:role/deployer',
  'arn:aws:iam::123456789012:user/deployer',
  'arn:evil:iam::123456789012:role/deployer',
  `arn:aws:iam::123456789012:role/${'x'.repeat(65)}`,
])('what is not the ARN of a role is refused: %j', (role_arn) => {
  expect(aws.detail.safeParse({ type: 'aws', role_arn }).success).toBe(false)
  expect(() => aws.parseScope(role_arn)).toThrow('is not the ARN of a role')
})

import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { deployer } from '../support/aws-sandbox.ts'

const withVending = (vending: unknown) =>
  aws.config.safeParse({
    name: 'prod',
    region: 'eu-west-1',
    roles: [{ arn: deployer, class: 'deploy', vending }],
  }).success

test.each([
  [['sts:AssumeRole']],
  [['sts:A*']],
  [['iam:*']],
  [['s3:*']],
  [['*']],
  ['ecr:GetAuthorizationToken'],
  [true],
])('a role cannot be let have %j', (vending) => expect(withVending(vending)).toBe(false))

test('a role can be let have what is on the list', () => {
  expect(withVending(['ecr:GetAuthorizationToken', 's3:GetDataAccess'])).toBe(true)
})

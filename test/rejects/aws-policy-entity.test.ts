import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'

test.each([
  ['AwsRole', 'deployer'],
  ['AwsRole', 'arn:aws:iam::123456789012:role/*'],
  ['AwsAccount', '1234'],
  ['AwsAccount', 'acme'],
])('a policy on an %s that cannot exist is at fault: %j', (type, id) => {
  expect(aws.entityFault?.({ type, id })).toContain(id)
})

test.each([
  ['AwsRole', 'arn:aws:iam::123456789012:role/teams/web/reader'],
  ['AwsAccount', '123456789012'],
  ['Agent', 'Some Bot'],
])('a policy on the %s %j is not', (type, id) => {
  expect(aws.entityFault?.({ type, id })).toBeUndefined()
})

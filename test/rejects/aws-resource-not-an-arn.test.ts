import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { readsBucket } from '../support/aws-sandbox.ts'

test.each([
  '',
  'bucket',
  '**',
  's3://bucket/key',
  // AWS would complete it with wildcards.
  'arn:aws:s3',
  'arn:aws:sqs:eu-west-1:123456789012',
  'arn:*:s3:::bucket',
  'arn:aws:s*:::bucket',
  'arn:aws:s3:::',
  'arn:aws:s3:::bucket/\n',
  'arn:aws:s3:::bucket/\u2028',
  'arn:aws:s3:::bucket/\u{1f41d}',
  7,
])('a resource that is not an ARN with six parts is refused: %j', (resource) => {
  expect(aws.detail.safeParse({ ...readsBucket, resources: [resource] }).success).toBe(false)
})

import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { longestFor } from '../../providers/aws/session-policy.ts'
import { readsBucket } from '../support/aws-sandbox.ts'

const ofLength = (length: number) => {
  const resource = (size: number) => `arn:aws:s3:::${'b'.repeat(size)}`
  const least = longestFor({ ...readsBucket, resources: [resource(1)] })
  return { ...readsBucket, resources: [resource(1 + length - least)] }
}

test('a session policy of 2,048 characters is the longest that may be asked for', () => {
  expect(longestFor(ofLength(2048))).toBe(2048)
  expect(aws.detail.safeParse(ofLength(2048)).success).toBe(true)
  const refused = aws.detail.safeParse(ofLength(2049))
  expect(refused.error?.issues[0]?.message).toContain('2048 characters')
})

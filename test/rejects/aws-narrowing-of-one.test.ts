import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { deploys } from '../support/aws-sandbox.ts'

test.each([
  [{ actions: ['s3:GetObject'] }],
  [{ resources: ['*'] }],
  [{ actions: [], resources: ['*'] }],
  [{ actions: ['s3:GetObject'], resources: [] }],
  [{ actions: [], resources: [] }],
])('a narrowing that leaves one side open is refused: %j', (narrowing) => {
  expect(aws.detail.safeParse({ ...deploys, ...narrowing }).success).toBe(false)
})

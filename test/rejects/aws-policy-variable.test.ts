import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { deploys } from '../support/aws-sandbox.ts'

test.each(['arn:aws:s3:::b/${aws:username}/*', 'arn:aws:s3:::b/${*}', '${aws:PrincipalTag/bucket}'])(
  'a resource that AWS would fill in is refused: %s',
  (resource) => {
    const parsed = aws.detail.safeParse({ ...deploys, actions: ['s3:GetObject'], resources: [resource] })
    expect(parsed.success).toBe(false)
  },
)

test('so is an action', () => {
  const parsed = aws.detail.safeParse({ ...deploys, actions: ['s3:${aws:username}'], resources: ['*'] })
  expect(parsed.success).toBe(false)
})

import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { readsBucket } from '../support/aws-sandbox.ts'

test.each([
  '',
  '*',
  's3',
  's3:',
  ':GetObject',
  's3:Get Object',
  's3:Get"Object',
  's3:a:b',
  '*:*',
  's3:Get\nObject',
  's3:Gét',
  7,
  null,
])('an action that is not SERVICE:ACTION is refused: %j', (action) => {
  expect(aws.detail.safeParse({ ...readsBucket, actions: [action] }).success).toBe(false)
})

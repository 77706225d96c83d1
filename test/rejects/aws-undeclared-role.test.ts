import { expect, test } from 'vitest'
import { connectAws, deploys } from '../providers/aws-sandbox.ts'

test('a role that the configuration does not name is served by nobody, and never assumed', async () => {
  const upstream = await connectAws()
  const other = { ...deploys, role_arn: 'arn:aws:iam::123456789012:role/admin' }
  expect(upstream.connection.serves(other)).toBe(false)
  await expect(upstream.mint(other)).rejects.toMatchObject({ kind: 'rejected', maybeDone: false })
  expect(upstream.sandbox.requests).toEqual([])
})

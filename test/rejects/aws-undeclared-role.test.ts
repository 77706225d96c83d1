import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { connect } from '../../providers/aws/connect.ts'
import { connectAws, deployer, deploys } from '../support/aws-sandbox.ts'

test('a role that the configuration does not name is served by nobody, and never assumed', async () => {
  const upstream = await connectAws()
  const other = { ...deploys, role_arn: 'arn:aws:iam::123456789012:role/admin' }
  expect(upstream.terms.serves(other)).toBe(false)
  await expect(upstream.mint(other)).rejects.toMatchObject({ kind: 'rejected', maybeDone: false })
  expect(upstream.sandbox.requests).toEqual([])
})

test('a role that is retired is served by nobody and never assumed, and what it has given is still denied', async () => {
  const upstream = await connectAws()
  const minted = await upstream.mint()
  const roles = [{ arn: deployer, class: 'deploy', retired: true }]
  const retired = aws.config.parse({ ...upstream.config, roles })
  expect(aws.terms(retired).serves(deploys)).toBe(false)
  const after = connect(retired, upstream.context)
  await expect(upstream.mint(deploys, 900, after)).rejects.toMatchObject({
    kind: 'rejected',
    maybeDone: false,
  })
  expect(await upstream.revoke([minted], after)).toEqual([{ done: true }])
  expect(upstream.alive()).toEqual([])
})

import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { connectAws, deployer, deploys, reader } from '../support/aws-sandbox.ts'

const { terms } = await connectAws()
const narrowed = (actions: string[], resources = ['*']) =>
  aws.detail.parse({ type: 'aws', role_arn: deployer, actions, resources })

test('actions and resources are sorted and named once; an action is the same in any case', () => {
  const detail = narrowed(['s3:PutObject', 's3:GetObject', 's3:getobject'], ['arn:aws:s3:::b/*', '*', '*'])
  expect(detail).toMatchObject({
    actions: ['s3:GetObject', 's3:PutObject'],
    resources: ['*', 'arn:aws:s3:::b/*'],
  })
})

test('what is not narrowed covers what is, and is covered by nothing that is', () => {
  expect(terms.covers(deploys, narrowed(['s3:*']))).toBe(true)
  expect(terms.covers(narrowed(['s3:*']), deploys)).toBe(false)
})

test.each([
  [['s3:GetObject'], ['s3:getobject'], true],
  [['s3:Get*'], ['s3:GetObject'], true],
  [['s3:Get*'], ['s3:GetObject*'], true],
  [['s3:Get*'], ['s3:GetObject', 's3:GetBucketAcl'], true],
  [['s3:Get*', 's3:List*'], ['s3:GetObject', 's3:ListBucket'], true],
  [['s3:Get?bject'], ['s3:GetObject'], true],
  [['s3:Get?bject'], ['s3:Get?bject'], true],
  [['s3:Get?bject'], ['s3:Get*bject'], false],
  [['s3:GetObject'], ['s3:Get*'], false],
  [['s3:GetObject'], ['s3:GetObjectAcl'], false],
  [['s3:Get*'], ['s3:PutObject'], false],
  [['s3:Get*'], ['s3:GetObject', 's3:PutObject'], false],
  [['s3:*Object'], ['s3:GetObject*'], false],
  [['s3:*Object*'], ['s3:GetObject*'], true],
  [['s3:*'], ['ec2:RunInstances'], false],
  [['s3:*'], ['s3express:GetObject'], false],
])('actions %j cover %j: %j', (outer, inner, covered) => {
  expect(terms.covers(narrowed(outer), narrowed(inner))).toBe(covered)
})

test.each([
  ['*', 'arn:aws:s3:::b/k', true],
  ['arn:aws:s3:::b/*', 'arn:aws:s3:::b/k', true],
  ['arn:aws:s3:::b/*', 'arn:aws:s3:::b/logs/*', true],
  ['arn:aws:s3:::b/*', 'arn:aws:s3:::b', false],
  ['arn:aws:s3:::b/*', 'arn:aws:s3:::B/k', false],
  ['arn:aws:s3:::b/*', '*', false],
  ['arn:aws:s3:::b*', 'arn:aws:s3:::bucket/k', true],
  ['arn:aws:ec2:*:123456789012:instance/*', 'arn:aws:ec2:eu-west-1:123456789012:instance/i-1', true],
  ['arn:aws:ec2:*:*:instance/*', 'arn:aws:ec2:eu-west-1:123456789012:volume/v-1', false],
  // A wildcard of one part is not taken to reach into the next.
  ['arn:aws:sqs:eu*:1:q', 'arn:aws:sqs:eu-west-1:2:x:1:q', false],
  ['arn:aws:logs:eu-west-1:1:log-group:a*', 'arn:aws:logs:eu-west-1:1:log-group:a:stream', true],
])('the resource %s covers %s: %j', (outer, inner, covered) => {
  expect(terms.covers(narrowed(['s3:*'], [outer]), narrowed(['s3:*'], [inner]))).toBe(covered)
})

test('the actions and the resources must both lie within', () => {
  const outer = narrowed(['s3:Get*'], ['arn:aws:s3:::b/*'])
  expect(terms.covers(outer, narrowed(['s3:GetObject'], ['arn:aws:s3:::c/*']))).toBe(false)
  expect(terms.covers(outer, narrowed(['s3:PutObject'], ['arn:aws:s3:::b/*']))).toBe(false)
})

test('a pattern of many wildcards is judged at once', () => {
  const outer = narrowed(['s3:*'], [`arn:aws:s3:::${'*a'.repeat(700)}`])
  const inner = narrowed(['s3:*'], [`arn:aws:s3:::${'a'.repeat(1400)}b`])
  expect(terms.covers(outer, inner)).toBe(false)
})

test('another role is never covered', () => {
  expect(terms.covers(deploys, { ...deploys, role_arn: reader })).toBe(false)
})

test('a connection serves the roles of its configuration', () => {
  expect(terms.serves(deploys)).toBe(true)
})

import { describe, expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { requests } from '../../providers/aws/requests.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { decide } from '../../src/policy/decide.ts'
import { classes } from '../../src/provider/terms.ts'
import { ask, bot, facts } from '../support/policy.ts'
import { deployer, deploys, reader } from '../support/aws-sandbox.ts'

const narrowed = aws.detail.parse({
  ...deploys,
  actions: ['s3:GetObject', 's3:PutObject'],
  resources: ['arn:aws:s3:::Bucket/*'],
})

test('a role is asked for as the class that the configuration gives it, in its account', () => {
  for (const group of classes)
    expect(requests(deploys, group)).toEqual([
      {
        action: `aws.assume_role.${group}`,
        class: group,
        resource: {
          type: 'AwsRole',
          id: deployer,
          parents: [{ type: 'AwsAccount', id: '123456789012' }],
        },
        implied: [],
        context: { aws_actions: ['*'], aws_resources: ['*'] },
      },
    ])
})

test('policy sees actions in lower case, and resources as they are', () => {
  expect(requests(narrowed, 'write')[0]?.context).toEqual({
    aws_actions: ['s3:getobject', 's3:putobject'],
    aws_resources: ['arn:aws:s3:::Bucket/*'],
  })
})

describe('policies', () => {
  const outcome = (text: string, detail = deploys) => {
    const { policies, faults } = compilePolicies([{ file: 'p.cedar', text }], {
      providers: [aws],
      upstreams: [],
      agents: [bot],
      approvers: new Set<string>(),
    })
    if (!policies) throw new Error(JSON.stringify(faults))
    const asks = [ask(...requests(detail, 'deploy'))]
    return decide(policies, facts(), asks).outcome
  }

  test('can name the role, its account or its class', () => {
    const permit = (scope: string) => `@id("p") permit (principal, ${scope});`
    expect(outcome(permit(`action, resource == Mayfly::AwsRole::"${deployer}"`))).toBe('allowed')
    expect(outcome(permit(`action, resource == Mayfly::AwsRole::"${reader}"`))).toBe('denied')
    expect(outcome(permit('action, resource in Mayfly::AwsAccount::"123456789012"'))).toBe('allowed')
    expect(outcome(permit('action, resource in Mayfly::AwsAccount::"210987654321"'))).toBe('denied')
    expect(outcome(permit('action in Mayfly::Action::"deploy", resource'))).toBe('allowed')
    expect(outcome(permit('action in Mayfly::Action::"read", resource'))).toBe('denied')
  })

  test('can ask for a narrowing', () => {
    const text = `@id("p") permit (principal, action == Mayfly::Action::"aws.assume_role.deploy", resource)
      when { ["s3:getobject", "s3:putobject"].containsAll(context.aws_actions)
          && ["arn:aws:s3:::Bucket/*"].containsAll(context.aws_resources) };`
    expect(outcome(text, narrowed)).toBe('allowed')
    expect(outcome(text)).toBe('denied')
  })
})

import { describe, expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { github } from '../../providers/github.ts'
import { compilePolicies } from '../../src/policy/compile.ts'

const faultsIn = (text: string) =>
  compilePolicies([{ file: 'p.cedar', text }], {
    providers: [github, aws],
    upstreams: [],
    agents: [],
    approvers: new Set(),
  }).faults
const scope = '(principal, action == Mayfly::Action::"aws.assume_role.deploy", resource)'
const policy = (effect: string, clause: string) => `@id("p") ${effect} ${scope} ${clause};`
const asked = 'context.aws_actions'
const within = `["s3:getobject", "s3:putobject"].containsAll(${asked})`
const both = `${within} && ["arn:aws:s3:::b/*"].containsAll(context.aws_resources)`

describe('a policy that a wider request goes around is a fault', () => {
  test.each([
    ['forbid', `when { ${asked}.contains("s3:deletebucket") }`],
    ['forbid', `when { ${asked}.containsAny(["s3:deletebucket", "s3:deleteobject"]) }`],
    ['forbid', `when { ${asked}.containsAll(["s3:deletebucket"]) }`],
    ['forbid', `when { ${asked}.contains("*") }`],
    ['forbid', `when { ${asked} == ["s3:deletebucket"] }`],
    ['forbid', `unless { ${asked} == ["s3:getobject"] }`],
    ['forbid', `when { ${within} }`],
    ['forbid', `unless { !(${within}) }`],
    ['forbid', `unless { !${asked}.contains("s3:deletebucket") }`],
    ['forbid', `unless { ${asked}.contains("s3:getobject") }`],
    ['forbid', `unless { ${asked}.containsAny(["s3:getobject"]) }`],
    ['forbid', `when { context.ttl > 60 && ${asked}.contains("s3:deletebucket") }`],
    ['forbid', `when { if ${asked}.contains("s3:deletebucket") then true else false }`],
    ['forbid', `when { if context.ttl > 60 then ${within} else false }`],
    ['forbid', `when { ${asked}.contains("s3:deletebucket") == true }`],
    ['forbid', `when { [${within}].contains(true) }`],
    ['forbid', `when { context has aws_actions && ${asked}.contains("s3:deletebucket") }`],
    ['forbid', `unless { [${asked}].contains(${asked}) }`],
    ['permit', `when { ${asked}.contains("s3:getobject") }`],
    ['permit', `when { ${asked}.containsAll(["s3:getobject"]) }`],
    ['permit', `when { !${asked}.contains("s3:deletebucket") }`],
    ['permit', `when { !(${within}) }`],
    ['permit', `when { ${asked} != ["*"] }`],
    ['permit', `when { ["s3:getobject"] == ${asked} }`],
    ['permit', `when { ${asked}.containsAll(${asked}) }`],
    ['permit', `unless { ${asked}.contains("s3:deletebucket") }`],
    ['permit', `unless { ${within} }`],
  ])('%s %s', (effect, clause) => {
    expect(faultsIn(policy(effect, clause))).toMatchObject([
      {
        path: 'p',
        message: expect.stringContaining(`a wider request goes around this ${effect}`),
        remedy: expect.stringContaining(
          `${effect === 'permit' ? 'when' : 'unless'} { ["s3:getobject", "s3:putobject"].containsAll(context.aws_actions) }`,
        ),
      },
    ])
  })

  test('the same for resources', () => {
    const text = policy('forbid', 'when { context.aws_resources.contains("arn:aws:s3:::secret/*") }')
    expect(faultsIn(text)).toMatchObject([
      {
        message: expect.stringContaining('context.aws_resources holds patterns'),
        remedy: expect.stringContaining('.containsAll(context.aws_resources)'),
      },
    ])
  })
})

test.each([
  ['forbid', `unless { ${within} }`],
  ['forbid', `unless { ${both} }`],
  ['forbid', `unless { context.ttl < 60 || ${within} }`],
  ['forbid', `when { !(${within}) }`],
  ['forbid', `when { context has aws_actions && !(${within}) }`],
  ['forbid', `when { context.ttl > 60 } unless { ${within} }`],
  ['forbid', `when { if context.ttl > 60 then !(${within}) else false }`],
  ['permit', `when { ${both} }`],
  ['permit', `unless { !(${within}) }`],
  ['permit', `when { principal.hasTag("aws") && principal.getTag("aws").containsAll(${asked}) }`],
  ['permit', 'when { context.ttl < 60 }'],
])('one that is held against all that is allowed is none: %s %s', (effect, clause) => {
  expect(faultsIn(policy(effect, clause))).toEqual([])
})

test('what the remedy shows is no fault', () => {
  const [{ remedy } = { remedy: '' }] = faultsIn(
    policy('forbid', `when { ${asked}.contains("s3:deletebucket") }`),
  )
  expect(faultsIn(policy('forbid', remedy.replace(/^[^:]*: /, '')))).toEqual([])
})

/** The action has no package to read a scope with: what it reads by itself is what the command line reads. */
import { expect, test } from 'vitest'
import { shorthands } from '../../providers/shorthands.ts'
import { parseScope, scopeHelp } from '../../src/cli/scope.ts'
import { tools } from '../../src/provider/tools.ts'
import { job } from '../support/actions-runner.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const { detailsOf } = await import(String(new URL('../../action/scope.mjs', import.meta.url)))
const schemas = new Map([...shorthands, tools].map(({ type, detail }) => [type, detail]))

/** As the broker takes what the action sends. */
function asTaken(line: string): unknown {
  const [sent] = detailsOf(line)
  return schemas.get(sent.type)!.parse(sent)
}

const role = 'aws:arn:aws:iam::123456789012:role/deployer'
const more = [
  `${role}:actions=s3:PutObject,s3:GetObject:resources=arn:aws:s3:::b/*,arn:aws:s3:::a%2Cb/100%25/%7E`,
  `${role}:actions=s3:PutObject:resources=arn:aws:dynamodb:eu-west-1:123456789012:table/t`,
  'vault:policies=ci-read,other',
  'tool:publish',
  'tool:publish:npm publish --tag x:y',
]
const shown = [...scopeHelp.matchAll(/^ {2}(\w+:.+)$/gm)].map(([, line = '']) => line)

test.each([...shown, ...more])('%s is to the action what it is to the command line', (line) => {
  expect(asTaken(line)).toEqual(parseScope(line))
})

test('the help shows a scope of each kind', () => {
  expect(new Set(shown.map((line) => line.split(':')[0]))).toEqual(new Set(schemas.keys()))
})

test.each([
  'acme/web:contents=write',
  'gitlab:acme/web',
  'github:acme/web',
  'github:acme/web:contents',
  'github:acme/web:contents=read,contents=write',
  `${role}:actions=s3:PutObject`,
  `${role}:actions=:resources=arn:aws:s3:::b`,
  `${role}:resources=arn:aws:s3:::b:actions=s3:PutObject`,
  'vault:policies=',
  'tool:',
  'tool:a b',
])('%s is refused by both', (line) => {
  expect(() => parseScope(line)).toThrow()
  expect(() => asTaken(line)).toThrow()
})

test('beside a tool, for which there is no credential, one item is still the token', async () => {
  const policy = '@id("tools") permit (principal, action in Mayfly::Action::"tool", resource);'
  const broker = await sharedBroker({ files: { 'policies/tools.cedar': policy } })
  const run = await job(broker)
  const { status, stdout } = await run.main({ scope: 'tool:publish:npm\ngithub:acme/web:contents=read' })
    .ended
  expect({ status, stdout }).toMatchObject({ status: 0 })
  expect(await broker.use(run.outputs()['token']!)).toBe(200)
  expect(JSON.parse(run.outputs()['credentials']!)).toHaveLength(1)
  expect((await run.post()).status).toBe(0)
})

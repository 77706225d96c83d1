/** Many policies: asked in several sets as if they were one, and in turns with whatever else there is to do. */
import { expect, test } from 'vitest'
import { compileInTurns, type Policies } from '../../src/policy/compile.ts'
import { decideInTurns, refusals } from '../../src/policy/decide.ts'
import { agents, ask, bot, compiled, decided, facts, forge, wants } from '../support/policy.ts'
import { turnsDuring } from '../support/turns.ts'

const fillers = (count: number, name: string) =>
  Array.from(
    { length: count },
    (_, n) =>
      `@id("${name}-${n}") permit (principal == Mayfly::Agent::"bot", action, resource == Mayfly::GithubRepository::"acme/${name}-${n}");`,
  ).join('\n')
const read = wants('github.contents.read')

const permit = '@id("permit") permit (principal, action, resource);'
const forbid = '@id("forbid") forbid (principal, action, resource) when { context.ttl > 100 };'
const another = '@id("another") forbid (principal, action, resource) when { context.depth == 0 };'
const approval = `@id("asks") @approval("security") forbid (principal, action, resource)
  unless { context.approvals.contains("security") };`
const fails =
  '@id("fails") forbid (principal, action, resource) when { context.ttl * 9223372036854775807 > 0 };'

test.each([
  ['one permits', [permit]],
  ['none does', []],
  ['one forbids', [permit, forbid]],
  ['two forbid', [forbid, permit, another]],
  ['one asks for a yes', [permit, approval]],
  ['one asks, and another forbids', [approval, permit, forbid]],
  ['one cannot be evaluated', [permit, fails]],
  ['one cannot be evaluated, and another forbids', [fails, forbid, permit]],
])('policies in several sets decide as those of one: %s', async (_what, policies) => {
  const one = compiled(policies.join('\n'))
  const spread = compiled(...policies.flatMap((policy, at) => [policy, fillers(210, `filler-${at}`)]))
  const names = (of: Policies) => of.agents.get('bot')!.names.length
  expect([names(one), names(spread)]).toEqual([1, policies.length + (policies.length > 0 ? 1 : 0) || 1])
  for (const approvals of [[], ['security']]) {
    expect(decided(spread, read, { approvals })).toEqual(decided(one, read, { approvals }))
    const refused = (of: Policies) => refusals(of, facts({ approvals }), [ask(read)])
    expect(await refused(spread)).toEqual(await refused(one))
  }
})

test('others have their turn while thousands are compiled, and while they are asked', async () => {
  const files = Array.from({ length: 20 }, (_, n) => ({ file: `${n}.cedar`, text: fillers(100, `r${n}`) }))
  const given = { providers: [forge], upstreams: [], agents, approvers: new Set<string>() }
  const compiling = await turnsDuring(() => compileInTurns(files, given))
  const { policies } = compiling.result
  expect(policies!.agents.get('bot')!.names).toHaveLength(10)
  // Each set is a turn of its own, and so is each portion that the examining thread sends.
  expect(compiling.turns).toBeGreaterThan(10 + 20)

  const asks = Array.from({ length: 20 }, (_, n) => ask(wants('github.contents.read', `acme/r1-${n}`)))
  const deciding = await turnsDuring(() => decideInTurns(policies!, facts({ agent: bot }), asks))
  expect(deciding.result).toEqual({ outcome: 'allowed' })
  expect(deciding.turns).toBeGreaterThan(10)
})

test('what is wrong with thousands is found elsewhere as it is here', async () => {
  const wrong = '@id("wrong") permit (principal, action, resource) when { context.no_such_thing };'
  const files = [
    { file: 'many.cedar', text: fillers(300, 'r') },
    { file: 'wrong.cedar', text: `${wrong}\npermit (principal, action, resource);` },
    { file: 'broken.cedar', text: 'permit (' },
  ]
  const given = { providers: [forge], upstreams: [], agents, approvers: new Set<string>() }
  const { faults } = await compileInTurns(files, given)
  expect(faults.map(({ file, path }) => [file, path])).toEqual([
    ['broken.cedar', 'line 1'],
    ['wrong.cedar', 'line 2'],
    ['wrong.cedar', 'wrong'],
  ])
})

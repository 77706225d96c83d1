import { expect, test } from 'vitest'
import { ambiguities } from '../../src/agents/ambiguous.ts'
import { type Agent, agentFile } from '../../src/agents/agent.ts'

function agent(name: string, ...match: object[]): Agent {
  return agentFile.parse({
    name,
    owner: 'a',
    purpose: 'p',
    environment: 'dev',
    review_by: '2099-12-31',
    max_ttl: 900,
    match: match.map((rule) => ({ issuer: 'ci', ...rule })),
  })
}

const found = (...agents: Agent[]) =>
  [...ambiguities(agents)].map(({ agent: { name }, at, others }) => `${name}[${at}] ${others.join(' ')}`)

test('agents whose rules one token may match are found, each pair once, at the later one', () => {
  const main = agent('main', { subject: 'repo:acme/web:ref:refs/heads/main' })
  const any = agent('any', { subject: 'repo:acme/api:*:x' }, { subject: 'repo:acme/*:ref:refs/heads/*' })
  const id = agent('id', { claims: { repository_id: '123' } })
  expect(found(main, any, id)).toEqual(['any[1] main', 'id[0] main any'])
})

test('what pins one claim to different values is told apart, whatever else it leaves open', () => {
  const one = agent('one', { subject: 'repo:acme/*:*', claims: { repository_id: '1' } })
  const two = agent('two', { subject: 'repo:acme/*:*', claims: { repository_id: '2' } })
  const other = agent('other', { issuer: 'lab', subject: 'repo:acme/*:*' })
  expect(found(one, two, other)).toEqual([])
})

test('two rules of one agent are no ambiguity', () => {
  expect(found(agent('one', { subject: 'a' }, { claims: { b: 'c' } }))).toEqual([])
})

test('thousands of agents are no millions of comparisons', () => {
  const many = Array.from({ length: 20_000 }, (_, at) =>
    agent(`a${at}`, { subject: 'repo:acme/*:*', claims: { repository_id: `${at}` } }),
  )
  const begun = performance.now()
  expect(found(...many, agent('last', { claims: { repository_id: '7' } }))).toEqual(['last[0] a7'])
  expect(performance.now() - begun).toBeLessThan(5_000)
})

/** The rule that comes nearest to an identity which matches none. */
import { expect, it } from 'vitest'
import { nearest } from '../../src/agents/nearest.ts'
import { agent, principal } from '../support/principal.ts'

const bot = (name: string, rule: object) => agent(name, { match: [{ issuer: 'ci', ...rule }] })

const bots = [
  bot('builder', { subject: 'repo:acme/web:ref:refs/heads/main', claims: { repository_id: '123' } }),
  bot('deployer', {
    subject: 'repo:acme/web:environment:prod',
    claims: { repository_id: '123', ref: 'refs/heads/main' },
  }),
]

it('names the first claim that differs, what the rule takes and what the token has', () => {
  const job = principal('repo:acme/web:environment:publish', { repository_id: '123', ref: 'refs/heads/main' })
  expect(nearest(bots, job)).toEqual({
    agent: 'deployer',
    rule: 'match[0]',
    claim: 'sub',
    expected: ['repo:acme/web:environment:prod'],
    found: ['repo:acme/web:environment:publish'],
    otherForm: false,
  })
})

it('says that a claim is not in the token', () => {
  expect(nearest(bots, principal('repo:acme/web:ref:refs/heads/main'))).toMatchObject({
    agent: 'builder',
    claim: 'repository_id',
    found: [],
  })
})

it.each([
  ['repo:acme/web:ref:refs/heads/main', 'repo:acme@65/web@123:ref:refs/heads/main'],
  ['repo:acme@65/web@123:ref:refs/heads/main', 'repo:acme/web:ref:refs/heads/main'],
])('knows %s in its other form, %s', (subject, sent) => {
  expect(nearest([bot('bot', { subject })], principal(sent))).toMatchObject({ claim: 'sub', otherForm: true })
  expect(nearest([bot('bot', { subject })], principal(sent.replace('web', 'api')))).toMatchObject({
    otherForm: false,
  })
})

it('of rules that miss as little, takes the one in the other form, and then the one that is most alike', () => {
  const rules = [
    bot('first', { subject: 'repo:acme/api:ref:refs/heads/main' }),
    bot('like', { subject: 'repo:acme/web:environment:prod' }),
    bot('right', { subject: 'repo:acme/web:ref:refs/heads/main' }),
  ]
  expect(nearest(rules, principal('repo:acme@65/web@123:ref:refs/heads/main'))).toMatchObject({
    agent: 'right',
    otherForm: true,
  })
  expect(nearest(rules, principal('repo:acme/web:environment:publish'))).toMatchObject({ agent: 'like' })
})

it('knows none of another issuer', () => {
  expect(nearest(bots, principal('repo:acme/web:ref:refs/heads/main', {}, 'other'))).toBeUndefined()
})

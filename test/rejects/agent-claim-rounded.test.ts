import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { principal, ruleMatches } from '../support/principal.ts'
import { load, onlyFault, refactorBot } from '../support/installation.ts'

it('a number that was rounded when the token was parsed matches nothing', () => {
  const claims = JSON.parse('{ "repository_id": 9007199254740993 }') as Record<string, unknown>
  expect(ruleMatches({ claims: { repository_id: '9007199254740992' } }, principal('x', claims))).toBe(false)
  expect(ruleMatches({ claims: { repository_id: '9007199254740993' } }, principal('x', claims))).toBe(false)
})

it.each(['9007199254740993', '9007199254740992', '012345678901', '0x10', '1.5', 'null'])(
  'a rule that says %s of a claim is refused',
  async (written) => {
    const text = stringify({ ...refactorBot, match: [{ issuer: 'okta', claims: { id: 'WRITTEN' } }] })
    const loaded = await load({ 'agents/refactor-bot.yaml': text.replace('WRITTEN', written) })
    expect(onlyFault(loaded).path).toBe('match[0].claims.id')
  },
)

it.each(['[]', '[9007199254740993]', '[push, null]', '[[1]]'])(
  'a rule that says %s of a claim has no such alternative',
  async (written) => {
    const text = stringify({ ...refactorBot, match: [{ issuer: 'okta', claims: { id: 'WRITTEN' } }] })
    const loaded = await load({ 'agents/refactor-bot.yaml': text.replace('WRITTEN', written) })
    expect(loaded.configuration).toBeUndefined()
    expect(loaded.faults[0]?.path).toMatch(/^match\[0\]\.claims\.id/)
  },
)

import { expect, it } from 'vitest'
import { matchRule } from '../../src/agents/match.ts'
import { stringify } from 'yaml'
import { load, onlyFault, refactorBot } from '../support/installation.ts'

const match = [{ issuer: 'okta', subject: 'x', claims: { ['__proto__']: 'y' } }]

it('a claim named __proto__ is refused, not dropped', async () => {
  const text = stringify({ ...refactorBot, match })
  expect(text).toContain('__proto__')
  expect(onlyFault(await load({ 'agents/refactor-bot.yaml': text }))).toMatchObject({
    path: 'match[0].claims.__proto__',
    message: expect.stringContaining('not accepted as a key'),
  })
})

it('nor does a rule take it from anywhere else', () => {
  expect(matchRule.safeParse(match[0]).success).toBe(false)
})

import { expect, it } from 'vitest'
import { loadAgent, onlyFault } from '../support/installation.ts'

it.each([[{}], [{ claims: {} }]])('a rule that would match a whole issuer is refused: %j', async (rest) => {
  expect(onlyFault(await loadAgent({ match: [{ issuer: 'okta', ...rest }] })).path).toBe('match[0]')
})

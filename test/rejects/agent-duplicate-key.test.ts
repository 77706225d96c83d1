import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { load, onlyFault, refactorBot } from '../support/installation.ts'

it('an agent file with the same key twice is refused', async () => {
  const text = `${stringify(refactorBot)}owner: someone-else@acme.example\n`
  expect(onlyFault(await load({ 'agents/refactor-bot.yaml': text })).message).toContain(
    'the key stands there twice',
  )
})

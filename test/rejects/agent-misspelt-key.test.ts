import { expect, it } from 'vitest'
import { loadAgent, onlyFault } from '../support/installation.ts'

it('an agent file with a misspelt key is refused, with the key that was meant', async () => {
  expect(onlyFault(await loadAgent({ enviroment: 'dev' }))).toMatchObject({
    file: expect.stringMatching(/agents\/refactor-bot\.yaml$/),
    path: 'enviroment',
    message: 'is not a known key',
    remedy: 'Did you mean `environment`?',
  })
})

it('so is one in a match rule', async () => {
  const match = [{ issuer: 'okta', subject: 'x', claim: {} }]
  expect(onlyFault(await loadAgent({ match }))).toMatchObject({
    path: 'match[0].claim',
    remedy: 'Did you mean `claims`?',
  })
})

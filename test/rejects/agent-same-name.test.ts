import { expect, it } from 'vitest'
import { load, onlyFault, refactorBot } from '../support/installation.ts'

it('two agents of one name are refused, and both files are named', async () => {
  const fault = onlyFault(await load({ 'agents/copy.yaml': refactorBot }))
  expect(fault).toMatchObject({
    file: expect.stringMatching(/refactor-bot\.yaml$/),
    path: 'name',
    message: expect.stringContaining('copy.yaml'),
  })
})

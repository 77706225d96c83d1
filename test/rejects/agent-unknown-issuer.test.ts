import { expect, it } from 'vitest'
import { loadAgent, onlyFault } from '../support/installation.ts'

it('a rule on an issuer that is not configured is refused, with the name that was meant', async () => {
  const match = [{ issuer: 'github-action', subject: 'repo:acme/web:*' }]
  expect(onlyFault(await loadAgent({ match }))).toMatchObject({
    path: 'match[0].issuer',
    remedy: 'Did you mean `github-actions`?',
  })
})

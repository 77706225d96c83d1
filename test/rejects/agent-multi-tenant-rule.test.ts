import { expect, it } from 'vitest'
import { loadAgent, loadWith, onlyFault } from '../support/installation.ts'

it('a rule on an issuer of many tenants that names none of them is refused', async () => {
  const match = [{ issuer: 'github-actions', subject: 'repo:*/web:ref:refs/heads/main' }]
  expect(onlyFault(await loadAgent({ match }))).toMatchObject({
    path: 'match[0]',
    remedy: expect.stringContaining('repository_owner_id'),
  })
})

it('so is such an admin', async () => {
  const admin = { name: 'ops', issuer: 'github-actions', claims: { ref: 'refs/heads/main' }, may: ['read'] }
  expect(onlyFault(await loadWith({ admins: [admin] })).path).toBe('admins[0]')
})

import { expect, it } from 'vitest'
import { load, onlyFault } from '../support/installation.ts'

it('a configuration of more than 1 MiB is refused', async () => {
  const fault = onlyFault(await load({ 'mayfly.yaml': `#${'x'.repeat(1024 * 1024)}` }))
  expect(fault.message).toBe('the file is larger than 1024 KiB')
})

it('so is a policy file of more than 256 KiB', async () => {
  const fault = onlyFault(await load({ 'policies/none.cedar': `//${'x'.repeat(256 * 1024)}` }))
  expect(fault).toMatchObject({ file: expect.stringMatching(/none\.cedar$/), path: '' })
})

import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { load, onlyFault, refactorBot } from '../support/installation.ts'

const padded = (bytes: number) => {
  const text = stringify(refactorBot)
  return `${text}#${'x'.repeat(bytes - text.length - 1)}`
}

it('an agent file of more than 64 KiB is refused', async () => {
  const fault = onlyFault(await load({ 'agents/refactor-bot.yaml': padded(64 * 1024 + 1) }))
  expect(fault.message).toBe('the file is larger than 64 KiB')
})

it('one of 64 KiB is not', async () => {
  expect((await load({ 'agents/refactor-bot.yaml': padded(64 * 1024) })).configuration).toBeDefined()
})

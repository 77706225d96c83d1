import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { load, onlyFault, refactorBot, settings } from '../support/installation.ts'

it.each([
  ['mayfly.yaml', `# \u202e\n${stringify(settings)}`, 1],
  [
    'agents/refactor-bot.yaml',
    `${stringify({ ...refactorBot })}# \u2066`,
    stringify(refactorBot).split('\n').length,
  ],
  ['policies/none.cedar', '// Nothing is permitted.\n// \u2067', 2],
])('%s that reads otherwise than it is is refused', async (file, text, line) => {
  const { message } = onlyFault(await load({ [file]: text }))
  expect(message).toContain(`line ${line} something else than it says`)
})

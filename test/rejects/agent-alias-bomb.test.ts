import { expect, it } from 'vitest'
import { load } from '../support/installation.ts'

it('a YAML alias bomb is refused without being expanded', async () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 30; level++)
    lines.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    )
  const { configuration, faults } = await load({ 'agents/refactor-bot.yaml': lines.join('\n') })
  expect(configuration).toBeUndefined()
  expect(faults).toContainEqual(
    expect.objectContaining({ path: 'a0', message: expect.stringContaining('anchors') }),
  )
  expect(faults).toContainEqual(
    expect.objectContaining({ path: 'a1[0]', message: expect.stringContaining('aliases') }),
  )
})

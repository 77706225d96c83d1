import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { load, onlyFault, settings } from '../support/installation.ts'

const text = stringify(settings)

it.each([
  ['empty', ''],
  ['a list', '- url: x\n'],
  ['text', 'mayfly'],
  ['two documents', `${text}---\n${text}`],
  ['tagged', `!!set\n${text}`],
  ['nested without end', '['.repeat(100_000)],
  ['not YAML', 'url: [\n'],
  ['not UTF-8', undefined],
])('a configuration that is %s is refused', async (_what, written) => {
  const bad = written ?? Buffer.from([0x75, 0x3a, 0x20, 0xff])
  const { configuration, faults } = await load({ 'mayfly.yaml': bad })
  expect(configuration).toBeUndefined()
  expect(faults[0]).toMatchObject({ file: expect.stringMatching(/mayfly\.yaml$/) })
})

it.each(['key: "\\hidden"', 'key: [}hidden', 'a: b: hidden', '"hidden', '%hidden'])(
  'what is not YAML is not quoted: %s',
  async (written) => {
    const { faults } = await load({ 'mayfly.yaml': `${text}${written}\n` })
    expect(faults[0]).toMatchObject({ line: expect.any(Number), column: expect.any(Number) })
    expect(JSON.stringify(faults)).not.toContain('hidden')
  },
)

it('the line of a fault is named, and not quoted', async () => {
  const fault = onlyFault(await load({ 'mayfly.yaml': `${text}url: hidden\n` }))
  const line = text.split('\n').length
  expect(fault).toMatchObject({ line, column: 1, message: 'the key stands there twice' })
})

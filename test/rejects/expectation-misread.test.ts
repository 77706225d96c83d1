import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { FaultyConfiguration } from '../../src/cli/failure.ts'
import { readExpectations } from '../../src/cli/policy/expectations.ts'

const directory = mkdtempSync(join(tmpdir(), 'mayfly-expectations-'))
afterAll(() => rmSync(directory, { recursive: true }))

const item = (member: string) =>
  `- { agent: a, scope: ['github:acme/web:contents=read'], expect: allowed, ${member} }`

// An expectation that is misread expects something else, and a file of none passes whatever the policies say.
test.each([
  ['an unknown key', item('outcome: denied'), '[0].outcome', 'is not a known key'],
  [
    'another outcome',
    "- { agent: a, scope: ['github:acme/web:contents=read'], expect: maybe }",
    '[0].expect',
    '',
  ],
  [
    'a misspelt scope',
    "- { agent: a, scope: ['github:acme/web:content=read'], expect: denied }",
    '[0].scope[0]',
    'is not a scope',
  ],
  ['no scope', '- { agent: a, scope: [], expect: denied }', '[0].scope', ''],
  ['a ttl of 0', item('ttl: 0'), '[0].ttl', ''],
  ['an unknown class', item('held: [everything]'), '[0].held[0]', ''],
  ['a context that is not text', item('context: { n: 1 }'), '[0].context.n', 'is a number'],
  ['a prototype key', item('claims: { __proto__: x }'), '[0].claims.__proto__', 'is not accepted as a key'],
  ['a key twice', '- { agent: a, agent: b }', '', 'the key stands there twice'],
  ['an alias', '- &x { agent: a }\n- *x', '[1]', 'aliases are not accepted'],
  ['a map', 'agent: a', '', 'the file is not a list'],
  ['an empty list', '[]', '', 'holds no expectations'],
  ['an empty file', '', '', 'the file is empty'],
])('%s in a file of expectations is a fault', (_what, text, path, words) => {
  const file = join(directory, 'expectations.yaml')
  writeFileSync(file, text)
  let refused: unknown
  try {
    readExpectations(file)
  } catch (error) {
    refused = error
  }
  expect(refused).toBeInstanceOf(FaultyConfiguration)
  expect((refused as FaultyConfiguration).faults).toContainEqual(
    expect.objectContaining({ path, message: expect.stringContaining(words) }),
  )
})

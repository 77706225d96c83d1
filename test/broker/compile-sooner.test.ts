import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const path = new URL('../../src/broker/compile-sooner.ts', import.meta.url).href

test('V8 knows each of the thresholds that it is given', async () => {
  const script = `const { compileSooner } = await import(${JSON.stringify(path)}); compileSooner()`
  // What it does not know, it names, and goes on.
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stderr).toBe('')
})

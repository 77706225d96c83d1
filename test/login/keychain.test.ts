/** Keychains by the commands that systems bring. What is secret is in no argument. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { keychainOf } from '../../src/client/login/keychain.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mayfly-keychain-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
})

/** A command that keeps one secret in a file, and notes how it was called. */
async function stand(command: string, script: string) {
  await writeFile(join(directory, command), `#!/bin/sh\ncd ${directory}\necho "$@" >> calls\n${script}\n`)
  await chmod(join(directory, command), 0o755)
  return { PATH: `${directory}${delimiter}${process.env['PATH']}` }
}

const secretTool = `case $1 in
  store) cat > kept ;;
  lookup) test -f kept && cat kept ;;
  clear) rm -f kept ;;
esac`

const security = `case $1 in
  -i) sed 's/.* -w //' > kept ;;
  find-generic-password) test -f kept && cat kept ;;
  delete-generic-password) rm -f kept ;;
esac`

test.each([
  ['secret-tool', secretTool, 'linux'],
  ['security', security, 'darwin'],
])('%s keeps a secret that no argument has had', async (command, script, platform) => {
  const keychain = keychainOf(await stand(command, script), platform)!
  const secret = JSON.stringify({ refresh: 'very "secret"' })
  expect(await keychain.get('a')).toBeUndefined()
  expect(await keychain.set('a', secret)).toBe(true)
  expect(await keychain.get('a')).toBe(secret)
  await keychain.remove('a')
  expect(await keychain.get('a')).toBeUndefined()
  const calls = await readFile(join(directory, 'calls'), 'utf8')
  expect(calls).not.toContain('secret"')
  expect(calls).not.toContain(Buffer.from(secret).toString('base64'))
})

test.each([
  ['fails', 'exit 1'],
  ['says yes and keeps nothing', 'cat > /dev/null; exit 0'],
  ['gives something else', 'cat > /dev/null; echo other'],
])('a keychain that %s is known not to have kept it', async (_how, script) => {
  const keychain = keychainOf(await stand('secret-tool', script), 'linux')!
  expect(await keychain.set('a', 'secret')).toBe(false)
})

test('where the system brings no command there is none', () => {
  expect(keychainOf({ PATH: directory }, 'linux')).toBeUndefined()
  expect(keychainOf({}, 'darwin')).toBeUndefined()
})

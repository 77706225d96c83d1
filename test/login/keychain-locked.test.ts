/** A login that a keychain keeps, or has kept. */
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { rememberBroker } from '../../src/client/login/brokers.ts'
import { KeptLogin } from '../../src/client/login/keep.ts'
import { loginToken } from '../../src/client/login/login.ts'
import { NoIdentity } from '../../src/client/no-identity.ts'
import { type Laptop, laptop } from '../support/people.ts'

const url = 'http://127.0.0.1:8420'
const login = {
  broker: url,
  issuer: 'https://issuer.test',
  client: 'mayfly',
  subject: 'ada',
  refresh: 'first',
}

/** Keeps one secret for each account; locked, it gives none and takes none. */
const secretTool = `#!/bin/sh
cd "$(dirname "$0")"
for account; do :; done
test "$1" = store && cat > new
test -e locked && exit 1
case $1 in
  store) mv new "$account" ;;
  lookup) test -f "$account" && cat "$account" ;;
  clear) test -e locked || rm -f "$account" ;;
esac`

let mine: Laptop
let bin: string
beforeEach(async () => {
  mine = await laptop()
  bin = join(mine.home, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'secret-tool'), secretTool)
  await chmod(join(bin, 'secret-tool'), 0o755)
  mine.env['PATH'] = `${bin}${delimiter}${process.env['PATH']}`
  await rememberBroker(mine.env, { url, ca: null, issuers: [] })
})
const lock = () => writeFile(join(bin, 'locked'), '')
const unlock = () => rm(join(bin, 'locked'))
const kept = (kind: 'workload' | 'admin' = 'workload') => new KeptLogin(url, kind, mine.env)

test('locked, it is not taken for none: no command says that nobody is logged in', async () => {
  expect(await kept().write(login)).toBe('keychain')
  await lock()
  await expect(loginToken(url, 'workload', mine.env)).rejects.toThrow(NoIdentity)
  for (const command of [['logout', '--url', url], ['whoami']]) {
    const { status, stdout, stderr } = await mine.mayfly(...command)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('the keychain does not give the login')
    expect(stderr).toContain('Unlock the keychain')
  }
  await unlock()
  expect(await kept().read()).toMatchObject({ login, place: 'keychain' })
})

test('the other login at the broker ends and is shown all the same', async () => {
  await kept().write(login)
  await lock()
  const { refresh: _, ...admin } = { ...login, subject: 'grace', token: 'a.b.c' }
  expect(await kept('admin').write(admin)).toBe('file')
  const whoami = await mine.mayfly('whoami')
  expect(whoami).toMatchObject({ status: 1, stdout: expect.stringContaining('grace') })
  const logout = await mine.mayfly('logout', '--url', url)
  expect(logout).toMatchObject({ status: 1, stdout: expect.stringContaining('Logged out grace') })
  expect(await kept('admin').read()).toBeUndefined()
})

test('where a login falls back to a file, the keychain keeps no older one', async () => {
  await kept().write(login)
  // It takes nothing any more, but lets what it has be removed.
  await writeFile(join(bin, 'secret-tool'), secretTool.replace('store) mv new "$account"', 'store) exit 1'))
  expect(await kept().write({ ...login, refresh: 'second' })).toBe('file')
  expect((await readdir(bin)).toSorted()).toEqual(['new', 'secret-tool'])
})

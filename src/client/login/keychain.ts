/** The keychain of the desktop, through the command that it brings: `secret-tool`, or `security` of macOS. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Environment } from './files.ts'

export interface Keychain {
  /** Undefined where it has none, or is locked and stays so. */
  get(account: string): Promise<string | undefined>
  /** Whether it keeps it now. */
  set(account: string, secret: string): Promise<boolean>
  remove(account: string): Promise<void>
}

const service = 'mayfly'
/** A person may have to unlock it. */
const patienceMs = 60_000
/** What `security -i` reads of one line. */
const longestLine = 4000

/** Undefined where the system brings none. Whether one works is seen when it is used. */
export function keychainOf(env: Environment, platform: string = process.platform): Keychain | undefined {
  if (platform === 'darwin') return isOnPath('security', env) ? ofMacos(env) : undefined
  return isOnPath('secret-tool', env) ? ofFreedesktop(env) : undefined
}

/** Secrets go through stdin: arguments are there for everybody to see. */
function ofFreedesktop(env: Environment): Keychain {
  const call = (args: string[], input?: string) => run('secret-tool', args, env, input)
  const about = (account: string) => ['service', service, 'account', account]
  return {
    get: async (account) => (await call(['lookup', ...about(account)])) || undefined,
    async set(account, secret) {
      const stored = await call(['store', '--label', 'Mayfly login', ...about(account)], secret)
      return stored !== undefined && (await this.get(account)) === secret
    },
    remove: async (account) => void (await call(['clear', ...about(account)])),
  }
}

function ofMacos(env: Environment): Keychain {
  const call = (args: string[], input?: string) => run('security', args, env, input)
  const about = (account: string) => ['-s', service, '-a', account]
  return {
    async get(account) {
      const kept = await call(['find-generic-password', ...about(account), '-w'])
      return kept ? Buffer.from(kept.trim(), 'base64').toString('utf8') : undefined
    },
    async set(account, secret) {
      const kept = Buffer.from(secret, 'utf8').toString('base64')
      const line = `add-generic-password -U ${about(account).join(' ')} -l Mayfly -w ${kept}\n`
      if (line.length > longestLine) return false
      return (await call(['-i'], line)) !== undefined && (await this.get(account)) === secret
    },
    remove: async (account) => void (await call(['delete-generic-password', ...about(account)])),
  }
}

function isOnPath(command: string, { PATH = '' }: Environment): boolean {
  return PATH.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK)
      return directory !== ''
    } catch {
      return false
    }
  })
}

/** What it prints; undefined where it fails. */
function run(
  command: string,
  args: readonly string[],
  env: Environment,
  input = '',
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'], timeout: patienceMs })
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (printed += text))
    child.once('error', () => resolve(undefined))
    child.once('close', (status) => resolve(status === 0 ? printed : undefined))
    // One that has ended already reads nothing.
    child.stdin.once('error', () => undefined).end(input)
  })
}

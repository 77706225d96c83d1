/** Where a login is kept: in the keychain of the desktop where there is one, else in a file of this user's. */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../base/clock.ts'
import { NoIdentity } from '../no-identity.ts'
import { directoryIn, type Environment, readPrivate, UnsafeFile, writePrivate } from './files.ts'
import { keychainOf } from './keychain.ts'
import { underLock } from './lock.ts'

/** Whose login: of one who opens tasks, or of an admin, which is another client. */
export type LoginKind = 'workload' | 'admin'

/** Secret. */
export interface Login {
  /** The broker's url. Its tokens are sent there alone. */
  broker: string
  issuer: string
  client: string
  subject: string
  email?: string
  /** Good for one use: whoever uses it gets the next. */
  refresh?: string
  /** An ID token to show, where there is none to get by refreshing. */
  token?: string
  /** SHA-256 of what was signed of the token that was shown last. */
  shown?: string
}

/** What stands in the file: the login, or that the keychain has it. */
type Kept = { kept: 'file'; login: Login } | { kept: 'keychain' }

export type Place = 'file' | 'keychain'

export function loginCommand(broker: string, kind: LoginKind): string {
  return `mayfly login${kind === 'admin' ? ' --admin' : ''} --url ${broker}`
}

/** The login at one broker, of this user. */
export class KeptLogin {
  readonly #env: Environment
  readonly #broker: string
  readonly #kind: LoginKind
  readonly #account: string
  readonly #path: string | undefined
  readonly #clock: Clock

  constructor(broker: string, kind: LoginKind, env: Environment, clock: Clock = systemClock()) {
    this.#env = env
    this.#broker = broker
    this.#kind = kind
    this.#clock = clock
    this.#account = createHash('sha256')
      .update(JSON.stringify([broker, kind]))
      .digest('hex')
      .slice(0, 32)
    const directory = directoryIn(env)
    this.#path = directory && join(directory, 'logins', `${this.#account}.json`)
  }

  /** Undefined where nobody is logged in. @throws NoIdentity where the keychain does not give what it keeps; UnsafeFile */
  async read(): Promise<{ login: Login; place: Place } | undefined> {
    const text = this.#path === undefined ? undefined : readPrivate(this.#path)
    if (text === undefined) return undefined
    const marked = parsed<Kept>(text)
    if (marked?.kept === 'file')
      return isLogin(marked.login) ? { login: marked.login, place: 'file' } : undefined
    const secret = await keychainOf(this.#env)?.get(this.#account)
    // Locked, it answers as one that has none, and the login would live on as if nobody were logged in.
    if (secret === undefined)
      throw new NoIdentity(
        `the keychain does not give the login at ${this.#broker} that it keeps`,
        `Unlock the keychain, and try again. Where it is not in there any more, log in again: ${loginCommand(this.#broker, this.#kind)}`,
      )
    const found = parsed<Login>(secret)
    return isLogin(found) ? { login: found, place: 'keychain' } : undefined
  }

  /** @throws UnsafeFile */
  async write(given: Login): Promise<Place> {
    const path = this.#home()
    const keychain = keychainOf(this.#env)
    const place = (await keychain?.set(this.#account, JSON.stringify(given))) ? 'keychain' : 'file'
    const text: Kept = place === 'file' ? { kept: place, login: given } : { kept: place }
    await writePrivate(path, JSON.stringify(text))
    // It may have kept the one before, or a part of this.
    if (place === 'file') await keychain?.remove(this.#account)
    return place
  }

  async remove(): Promise<void> {
    await keychainOf(this.#env)?.remove(this.#account)
    if (this.#path !== undefined) await rm(this.#path, { force: true })
  }

  /** Runs `work` while no other process reads this login to change it. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await underLock(`${this.#home()}.lock`, this.#clock, work)
  }

  #home(): string {
    if (this.#path !== undefined) return this.#path
    throw new UnsafeFile(
      'HOME',
      'is not set, so there is nowhere to keep a login',
      'Set HOME or XDG_CONFIG_HOME.',
    )
  }
}

/** What is there was written here, and nobody else can write it. */
function parsed<Value>(text: string): Partial<Value> | undefined {
  try {
    return JSON.parse(text) as Partial<Value>
  } catch {
    return undefined
  }
}

function isLogin(found: Partial<Login> | undefined): found is Login {
  return [found?.broker, found?.issuer, found?.client, found?.subject].every(
    (each) => typeof each === 'string',
  )
}

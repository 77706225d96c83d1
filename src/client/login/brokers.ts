/** What is known of brokers on this machine: what `mayfly bootstrap` has asked them, once. */
import { join } from 'node:path'
import { directoryIn, type Environment, readPrivate, UnsafeFile, writePrivate } from './files.ts'

/** Where people log in with a broker, as it says itself. */
export interface LoginIssuer {
  name: string
  issuer: string
  client_id: string
  admin_client_id: string | null
  scopes: string[]
  audiences: string[]
  admin_audiences: string[]
  /** PEM. */
  ca: string[] | null
}

export interface BrokerFacts {
  url: string
  /** PEM. */
  ca: string[] | null
  issuers: LoginIssuer[]
}

interface File {
  /** The one that was asked last: what is meant where none is named. */
  current: string
  brokers: BrokerFacts[]
}

/** All that this user has asked. @throws UnsafeFile */
export function knownBrokers(env: Environment): BrokerFacts[] {
  return readAll(env).brokers
}

/** Undefined where nothing is known of it; without `url`, of the one that was asked last. @throws UnsafeFile */
export function knownBroker(env: Environment, url?: string): BrokerFacts | undefined {
  const { current, brokers } = readAll(env)
  return brokers.find((each) => each.url === (url ?? current))
}

/** Replaces what was known of it. Returns the path of the file. @throws UnsafeFile */
export async function rememberBroker(env: Environment, facts: BrokerFacts): Promise<string> {
  const path = pathIn(env)
  if (path === undefined)
    throw new UnsafeFile('HOME', 'is not set, so there is nowhere to keep it', 'Set HOME or XDG_CONFIG_HOME.')
  const others = readAll(env).brokers.filter(({ url }) => url !== facts.url)
  const all: File = { current: facts.url, brokers: [...others, facts] }
  await writePrivate(path, `${JSON.stringify(all, undefined, 2)}\n`)
  return path
}

function readAll(env: Environment): File {
  const path = pathIn(env)
  const written = path === undefined ? undefined : readPrivate(path)
  if (written === undefined) return { current: '', brokers: [] }
  try {
    const { current, brokers } = JSON.parse(written) as Partial<File>
    // What is in it was looked at before it was written, and nobody else can write it.
    if (typeof current === 'string' && Array.isArray(brokers)) return { current, brokers }
  } catch {
    // It is no JSON at all.
  }
  throw new UnsafeFile(path!, 'is not as it was written', 'Remove it, and run `mayfly bootstrap` again.')
}

function pathIn(env: Environment): string | undefined {
  const directory = directoryIn(env)
  return directory && join(directory, 'brokers.json')
}

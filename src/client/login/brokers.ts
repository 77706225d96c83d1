/** What is known of brokers on this machine: what `mayfly bootstrap` has asked them, once. */
import { join } from 'node:path'
import { z } from 'zod'
import { endpointFault } from '../../base/endpoint.ts'
import { isLine } from '../../base/text.ts'
import { directoryIn, type Environment, readPrivate, UnsafeFile, writePrivate } from './files.ts'

const text = z.string().max(2048).refine(isLine)
const endpoint = text.refine((url) => endpointFault(url) === undefined)
const certificates = z
  .array(
    z
      .string()
      .max(65_536)
      .regex(/^-----BEGIN CERTIFICATE-----[\w+/=\s]+-----END CERTIFICATE-----\s*$/),
  )
  .min(1)
  .max(16)
  .nullable()

const loginIssuer = z.object({
  name: text,
  issuer: endpoint,
  client_id: text,
  admin_client_id: text.nullable(),
  scopes: z.array(text).max(32),
  audiences: z.array(text).max(64),
  admin_audiences: z.array(text).max(64),
  ca: certificates,
})

/** What a broker says of itself; whatever else it says means nothing. It may be hostile. */
export const brokerFacts = z.object({
  url: endpoint,
  ca: certificates,
  issuers: z.array(loginIssuer).max(64),
})

export type LoginIssuer = z.infer<typeof loginIssuer>
export type BrokerFacts = z.infer<typeof brokerFacts>

const file = z.object({
  /** The one that was asked last: what is meant where none is named. */
  current: z.string(),
  brokers: z.array(brokerFacts),
})

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
  const all: z.infer<typeof file> = { current: facts.url, brokers: [...others, facts] }
  await writePrivate(path, `${JSON.stringify(all, undefined, 2)}\n`)
  return path
}

function readAll(env: Environment): z.infer<typeof file> {
  const path = pathIn(env)
  const written = path === undefined ? undefined : readPrivate(path)
  if (written === undefined) return { current: '', brokers: [] }
  try {
    return file.parse(JSON.parse(written))
  } catch {
    throw new UnsafeFile(path!, 'is not as it was written', 'Remove it, and run `mayfly bootstrap` again.')
  }
}

function pathIn(env: Environment): string | undefined {
  const directory = directoryIn(env)
  return directory && join(directory, 'brokers.json')
}

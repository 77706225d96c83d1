/** Options that several commands take. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Client, createClient } from '../client/client.ts'
import { findIdentity } from '../client/identity.ts'
import { type BrokerFacts, knownBroker } from '../client/login/brokers.ts'
import { UnsafeFile } from '../client/login/files.ts'
import { taskFromEnvironment } from '../client/task-environment.ts'
import { Unreadable } from '../config/files.ts'
import { readAuthorities } from '../config/trust.ts'
import { endpointFault } from '../base/endpoint.ts'
import { outboundFetch } from '../outbound/fetch.ts'
import { Failure } from './failure.ts'

export interface BrokerOptions {
  url: string
  tokenFile?: string
  audience?: string
  ca?: string | undefined
  json?: boolean
}

export function withJson(command: Command): Command {
  return command.option('--json', 'answer with one JSON object; what fails is told in JSON too')
}

/** `--config FILE`: for what works on a configuration rather than through a broker. */
export function withConfiguration(command: Command): Command {
  return command.option('-c, --config <file>', 'the configuration', 'mayfly.yaml')
}

/** `--url`: for whatever speaks to a broker. */
export function withBroker(command: Command): Command {
  return withJson(command.addOption(knownUrlOption().makeOptionMandatory()).addOption(caOption()))
}

/** `--ca`: where the broker's certificate comes from a CA of one's own. */
export function caOption(): Option {
  return new Option(
    '--ca <file>',
    "a PEM file with the CA of the broker's certificate; no other is trusted for it",
  ).env('MAYFLY_CA')
}

export function urlOption(): Option {
  return new Option('--url <url>', "the broker's public url").env('MAYFLY_URL').argParser(url)
}

/** The same where a broker is meant in any case: else the one that `mayfly bootstrap` was asked for last. */
export function knownUrlOption(): Option {
  const known = bootstrapped()?.url
  return known === undefined ? urlOption() : urlOption().default(known)
}

/** What `mayfly bootstrap` has kept of the broker at `url`, or of the one that it was asked for last. */
function bootstrapped(url?: string): BrokerFacts | undefined {
  try {
    return knownBroker(process.env, url)
  } catch (error) {
    // Said by whoever needs it; the help and the other commands do not.
    if (error instanceof UnsafeFile) return undefined
    throw error
  }
}

/** `--token-file`, `--audience`: for whatever shows the workload's own identity. */
export function withIdentity(command: Command): Command {
  return command
    .option('--token-file <file>', 'a file that holds the OIDC token of this workload')
    .option(
      '--audience <audience>',
      "the audience of a token requested on demand (default: the broker's url)",
    )
}

/** The OIDC token of this workload, for the broker unless `--audience` says otherwise. @throws NoIdentity */
export function workloadIdentity({
  url,
  tokenFile,
  audience = url,
}: Pick<BrokerOptions, 'url' | 'tokenFile' | 'audience'>): Promise<string> {
  const { env } = process
  return findIdentity({ env, tokenFile, audience, broker: url, fetch: outboundFetch({ env }) })
}

/**
 * With what a task is opened: in a task with its token, which makes it a child of that one, unless
 * an identity is named; else with this workload's identity. @throws NoIdentity
 */
export async function openingToken(
  options: Pick<BrokerOptions, 'url' | 'tokenFile' | 'audience'>,
): Promise<string> {
  const around = options.tokenFile === undefined ? taskFromEnvironment(process.env) : undefined
  return around?.token ?? (await workloadIdentity(options))
}

export const identityHelp = `
Who this is, is shown with an OIDC token. The first of these that is there counts:
  --token-file FILE
  MAYFLY_TOKEN        the token itself
  MAYFLY_TOKEN_FILE   a file that holds it
  GitHub Actions      in a job with \`permissions: { id-token: write }\`
  Kubernetes          a service account token projected to /var/run/secrets/tokens/mayfly
                      with the broker's url as its audience
  mayfly login        whoever is logged in at the broker; not inside a task`

export function connect({ url: broker, ca }: Pick<BrokerOptions, 'url' | 'ca'>): Client {
  const trusted = authorities(ca) ?? bootstrapped(broker)?.ca ?? undefined
  return createClient({ url: broker, fetch: outboundFetch({ env: process.env, ca: trusted }) })
}

/** @throws Failure */
export function authorities(file: string | undefined): string[] | undefined {
  if (file === undefined) return undefined
  try {
    return readAuthorities(file)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw new Failure('failed', `${file} ${error.message}`, error.remedy)
  }
}

function url(written: string): string {
  const fault = endpointFault(written)
  if (fault !== undefined) throw new InvalidArgumentError(`It ${fault}.`)
  return written.replace(/\/+$/, '')
}

/** For an option that may be repeated. */
export function addText(written: string, earlier: string[] = []): string[] {
  return [...earlier, written]
}

/** For `--context`. */
export function addContext(written: string, earlier: Record<string, string> = {}): Record<string, string> {
  const at = written.indexOf('=')
  const key = written.slice(0, at)
  if (at < 1 || Object.hasOwn(earlier, key)) throw new InvalidArgumentError('It is KEY=VALUE, each key once.')
  return Object.fromEntries([...Object.entries(earlier), [key, written.slice(at + 1)]])
}

/** What `--lost-seal-key` is for. */
export const lostSealKeyHelp =
  'go on although another seal key wrote the store, and put what is written under the one configured'

/** For `--ttl`. */
export function seconds(written: string): number {
  return oneOrMore(written, 'a number of whole seconds')
}

/** For `--limit`. */
export function howMany(written: string): number {
  return oneOrMore(written, 'a whole number')
}

/** For `--until`. */
export function time(written: string): string {
  const at = Date.parse(written)
  if (!/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(written) || Number.isNaN(at))
    throw new InvalidArgumentError('It is a time with its zone, as 2026-12-01T08:00:00Z.')
  return new Date(at).toISOString()
}

function oneOrMore(written: string, what: string): number {
  const value = Number(written)
  if (!/^\d+$/.test(written) || value < 1 || !Number.isSafeInteger(value))
    throw new InvalidArgumentError(`It is ${what}, 1 or more.`)
  return value
}

/** Options that several commands take. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Client, createClient } from '../client/client.ts'
import { findIdentity } from '../client/identity.ts'
import { endpointFault } from '../endpoint.ts'

export interface BrokerOptions {
  url: string
  tokenFile?: string
  audience?: string
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
  return withJson(command.addOption(urlOption().makeOptionMandatory()))
}

export function urlOption(): Option {
  return new Option('--url <url>', "the broker's public url").env('MAYFLY_URL').argParser(url)
}

/** `--token-file`, `--audience`: for whatever shows the workload's own identity. */
export function withIdentity(command: Command): Command {
  return command
    .option('--token-file <file>', 'a file that holds the OIDC token of this workload')
    .option('--audience <audience>', "whom a token made on demand is for (default: the broker's url)")
}

/** The OIDC token of this workload, for the broker unless `--audience` says otherwise. @throws NoIdentity */
export function workloadIdentity({ url, tokenFile, audience = url }: BrokerOptions): Promise<string> {
  return findIdentity({ env: process.env, tokenFile, audience })
}

export const identityHelp = `
Who this is, is shown with an OIDC token. The first of these that is there counts:
  --token-file FILE
  MAYFLY_TOKEN        the token itself
  MAYFLY_TOKEN_FILE   a file that holds it
  GitHub Actions      in a job with \`permissions: { id-token: write }\`
  Kubernetes          a service account token projected to /var/run/secrets/tokens/mayfly
                      with the broker's url as its audience`

export function connect(options: BrokerOptions): Client {
  return createClient({ url: options.url })
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

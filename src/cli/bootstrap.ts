/** `mayfly bootstrap`: what a broker tells whoever asks, kept so that nobody has to type it. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { endpointFault } from '../base/endpoint.ts'
import { bootstrap, type Bootstrapped, type Trust } from '../client/login/bootstrap.ts'
import { authorities, caOption, withJson } from './options.ts'
import { answer } from './print.ts'

interface BootstrapOptions {
  ca?: string
  fingerprint?: string
  replace?: boolean
  json?: boolean
}

export function register(program: Command): void {
  withJson(program.command('bootstrap'))
    .summary('learn from a broker where to log in, and its CA')
    .description(
      `Asks the broker at URL where people log in, with which public clients, and what
its CA is, and keeps that. From then on commands find the broker without --url
and --ca, and \`mayfly login\` needs no options.

What is trusted: whoever holds a certificate for the name in URL, from a CA that
this system trusts. They say where you log in, and get the identity tokens that
your tasks are opened with. A broker with a CA of its own is believed only by
that CA: give it as a file, or its fingerprint, as whoever runs the broker has
told you; never what the connection shows. No certificate is looked at for a
broker on this machine (http://127.0.0.1).

Asked again, a broker that names another issuer, client or CA than before is
refused, unless --replace is given.`,
    )
    .argument('<url>', "the broker's public url", brokerUrl)
    .addOption(caOption().conflicts('fingerprint'))
    .addOption(
      new Option('--fingerprint <sha256>', 'the SHA-256 of its CA, as told by whoever runs the broker'),
    )
    .option('--replace', 'believe what it says now, whatever it has said before')
    .addHelpText(
      'after',
      `
Examples:
  mayfly bootstrap https://mayfly.acme.dev
  mayfly bootstrap https://mayfly.corp --fingerprint 5E:0A:…   # of: openssl x509 -in ca.pem -noout -fingerprint -sha256`,
    )
    .action(async (url: string, options: BootstrapOptions) => {
      const done = await getToKnow(url, options)
      answer(options, viewOf(done), linesOf(done))
    })
}

export async function getToKnow(
  url: string,
  { ca, fingerprint, replace }: BootstrapOptions,
): Promise<Bootstrapped> {
  return await bootstrap({ url, env: process.env, ca: authorities(ca), fingerprint, replace })
}

function viewOf({ facts, trust, file }: Bootstrapped) {
  return { ...facts, trusted_by: trust.by, fingerprint: trust.by === 'ca' ? trust.fingerprint : null, file }
}

/** Plainly what is trusted now, and with what. */
export function linesOf({ facts, trust, file }: Bootstrapped): string[] {
  const { url, issuers } = facts
  return [
    `broker    ${url}, believed ${by(trust)}`,
    ...issuers.flatMap(({ name, issuer, client_id, admin_client_id }) => [
      `log in    at ${issuer} (${name}), as client ${client_id}`,
      ...(admin_client_id === null ? [] : [`          admins as client ${admin_client_id}`]),
    ]),
    ...(issuers.length === 0 ? ['log in    nowhere: it names no issuer for that'] : []),
    `kept in   ${file}`,
    'Your identity tokens are sent to this broker, and to nobody else.',
  ]
}

function by(trust: Trust): string {
  switch (trust.by) {
    case 'loopback':
      return 'because it is on this machine'
    case 'system':
      return 'by a CA that this system trusts'
    case 'ca':
      return `by its own CA, SHA-256 ${trust.fingerprint}`
  }
}

function brokerUrl(written: string): string {
  const fault = endpointFault(written)
  if (fault !== undefined) throw new InvalidArgumentError(`It ${fault}.`)
  return written.replace(/\/+$/, '')
}

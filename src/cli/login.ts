/** `mayfly login`: a person gets in, for their assistants or as an admin. */
import type { Command } from 'commander'
import { spawn } from 'node:child_process'
import { type BrokerFacts, knownBroker } from '../client/login/brokers.ts'
import { type LoggedIn, logIn, type Step } from '../client/login/login.ts'
import { getToKnow, linesOf } from './bootstrap.ts'
import { Failure, tell } from './failure.ts'
import { type BrokerOptions, withBroker } from './options.ts'
import { answer, jsonLine, oneLine } from './print.ts'
import { untilStopped } from './signals.ts'

interface LoginOptions extends Omit<BrokerOptions, 'tokenFile' | 'audience'> {
  admin?: boolean
  device?: boolean
  browser: boolean
  issuer?: string
}

export function register(program: Command): void {
  withBroker(program.command('login'))
    .summary('log in, so that your assistants can open tasks; or as an admin')
    .description(
      `Logs you in at the issuer that the broker names. From then on every command that
opens a task (\`run\`, \`task open\`, \`token\`) gets a fresh ID token by itself, one
for each task, until you log out or the issuer ends the login. A login that is
there already ends first.

In a browser on this machine, which comes back to a page on 127.0.0.1; or with
--device by a code that you type on any device, as over SSH. Without either it
is a browser where there is a screen.

With --admin you log in as an admin: \`mayfly admin\` finds that login, and no
task is opened with it. It is not renewed, and ends when its token expires.

What is kept is in the keychain (\`secret-tool\`, \`security\`) where that works,
else in a file of mode 0600 under $XDG_CONFIG_HOME/mayfly. A command inside a
task (\`mayfly run\`) does not use it.`,
    )
    .option('--admin', 'log in as an admin, with the client for admins')
    .option('--device', 'by a code, typed on any device')
    .option('--no-browser', 'print the address instead of opening a browser')
    .option('--issuer <name>', 'where to log in, if the broker names several issuers')
    .addHelpText(
      'after',
      `
Examples:
  mayfly login --url https://mayfly.acme.dev
  mayfly login --device
  mayfly login --admin`,
    )
    .action(login)
}

async function login(options: LoginOptions): Promise<void> {
  const { url, ca, admin = false, issuer, json = false } = options
  const facts = knownBroker(process.env, url) ?? (await firstTime(url, { ca, json }))
  const stopped = new AbortController()
  void untilStopped().then(() =>
    stopped.abort(new Failure('failed', 'stopped before anybody had logged in', 'Run it again.')),
  )
  const done = await logIn({
    facts,
    kind: admin ? 'admin' : 'workload',
    issuer,
    device: options.device ?? (options.browser && !hasScreen()),
    env: process.env,
    signal: stopped.signal,
    tell: (step) => show(step, options),
  })
  answer(options, loginView(url, done), [
    `Logged in at ${url} as ${who(done)}${admin ? ', an admin' : ''}.`,
    ...(done.renewed || admin ? [] : ['The issuer gives no refresh token: this is good for one task.']),
  ])
}

async function firstTime(
  url: string,
  { ca, json }: { ca: string | undefined; json: boolean },
): Promise<BrokerFacts> {
  const known = await getToKnow(url, ca === undefined ? {} : { ca })
  if (!json) tell(linesOf(known))
  return known.facts
}

/** On stderr: stdout has the answer. */
function show(step: Step, { browser, json }: LoginOptions): void {
  if (json) process.stderr.write(`${jsonLine(step)}\n`)
  else
    tell(
      step.do === 'open'
        ? ['Log in in a browser on this machine:', `  ${oneLine(step.url)}`]
        : [
            'Log in on any device, and look that it shows this code:',
            `  ${oneLine(step.code)}  at  ${oneLine(step.url)}`,
            ...(step.complete === undefined ? [] : [`  ${oneLine(step.complete)}`]),
          ],
    )
  if (step.do === 'open' && browser && hasScreen()) openBrowser(step.url)
}

/** Whether a browser could show itself to whoever started this. */
function hasScreen(): boolean {
  const { DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION } = process.env
  if (SSH_CONNECTION) return false
  return process.platform !== 'linux' || Boolean(DISPLAY || WAYLAND_DISPLAY)
}

/** Where that fails, the address has been printed. */
function openBrowser(url: string): void {
  const [command, ...before] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open']
  const child = spawn(command!, [...before, url], { stdio: 'ignore', detached: true })
  child.once('error', () => undefined).unref()
}

export function who({ subject, email, issuer }: LoggedIn): string {
  return `${email === undefined || email === subject ? subject : `${email} (${subject})`} of ${issuer}`
}

export function loginView(url: string, { kind, issuer, client, subject, email, kept, renewed }: LoggedIn) {
  return { url, kind, issuer, client, subject, email: email ?? null, kept, renewed }
}

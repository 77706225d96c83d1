/** People who log in at the sandbox's issuer, and the command line as each of them has it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { people } from '../../src/sandbox/configuration.ts'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import type { TestBroker, TestBrokerOptions } from './broker.ts'
import { mayfly, type Outcome, type Running, startMayfly } from './mayfly.ts'

/** What a broker starts with whose issuer people log in at. */
export const peopleBroker: TestBrokerOptions = {
  settings: (sandbox: Sandbox, port: number) => people(sandbox.issuer, port).settings,
  files: people({ url: '' }, 0).files,
}

export interface Laptop {
  home: string
  env: Record<string, string>
  mayfly(...args: string[]): Promise<Outcome>
  start(...args: string[]): Running
}

/** A home of its own, removed when the test is over. */
export async function laptop(env: Record<string, string> = {}): Promise<Laptop> {
  const home = await mkdtemp(join(tmpdir(), 'mayfly-laptop-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  const given = { HOME: home, ...env }
  return {
    home,
    env: given,
    mayfly: (...args) => mayfly(args, given),
    start: (...args) => startMayfly(args, given),
  }
}

/** The first that `pattern` finds in what it has said on stderr. */
export async function said(running: Running, pattern: RegExp): Promise<string> {
  await running.said(pattern)
  return pattern.exec(running.stderr())![0]
}

/** Answers a device's code at the issuer as this person, as a browser does. */
export async function enterCode({ sandbox }: TestBroker, code: string, username: string): Promise<Response> {
  return await fetch(`${sandbox.issuer.url}/device`, {
    method: 'POST',
    body: new URLSearchParams({ user_code: code, username }),
  })
}

/** Logs this person in by a device's code. */
export async function logIn(
  broker: TestBroker,
  { start }: Laptop,
  username: string,
  ...args: string[]
): Promise<Outcome> {
  const running = start('login', '--url', broker.url, '--device', ...args)
  await enterCode(broker, await said(running, /[A-Z]{4}-[A-Z]{4}/), username)
  return await running.ended
}

/**
 * The same, where ada is of security, whose yes a write to acme/infra needs, and grace may only look.
 */
export const consoleBroker: TestBrokerOptions = {
  settings(sandbox, port) {
    const { issuers, admins } = people(sandbox.issuer, port).settings as { issuers: object; admins: object[] }
    const auditors = {
      name: 'auditors',
      issuer: 'sandbox',
      audience: 'mayfly-admin',
      subject: 'grace',
      may: ['read'],
    }
    return { issuers, admins: [...admins, auditors] }
  },
  files: peopleBroker.files!,
}

/** A real broker on a real file, against the sandbox, driven over HTTP. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { providers } from '../../providers/catalog.ts'
import { type Broker, startBroker } from '../../src/broker/broker.ts'
import { type LeadingClock, systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/broker/logger.ts'
import {
  type Files,
  freePort,
  sandboxAdmin,
  sandboxWorkload,
  writeConfiguration,
} from '../../src/sandbox/configuration.ts'
import type { GithubSettings } from '../../src/sandbox/github.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'

/** An answer with its body read. */
export interface Answer {
  status: number
  headers: Headers
  // oxlint-disable-next-line no-explicit-any -- tests look into answers freely; a wrong guess fails the test
  body: any
}

export interface TestBroker extends AsyncDisposable {
  sandbox: Sandbox
  url: string
  /** Its folder: configuration, database and all. */
  directory: string
  file: string
  /** Everything that it has logged. */
  log: string[]
  call(
    method: string,
    path: string,
    options?: { token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>
  /** A fresh token of the workload that matches `refactor-bot`. */
  workload(claims?: Record<string, unknown>): Promise<string>
  admin(claims?: Record<string, unknown>): Promise<string>
  /** Opens a task with a fresh token. */
  open(body?: Record<string, unknown>, claims?: Record<string, unknown>): Promise<Answer>
  /** Mints within an opened task. */
  mint(task: Answer['body'], detail?: unknown, context?: Record<string, string>): Promise<Answer>
  /** Completes an opened task. */
  complete(task: Answer['body']): Promise<Answer>
  /** Reads an opened task. */
  read(task: Answer['body']): Promise<Answer>
  /** Revokes by selector, as the admin. */
  revoke(selector: Record<string, unknown>): Promise<Answer>
  /** Asks the sandbox's GitHub something with a minted token, and gives the status. */
  use(token: string, path?: string): Promise<number>
  stop(): Promise<void>
  /** Starts it again on the same folder. */
  start(): Promise<void>
}

export const readWeb = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } }
export const writeWeb = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'write' } }

export interface TestBrokerOptions {
  clock?: LeadingClock
  /** Top-level keys to replace, or how they follow from the sandbox. */
  settings?: Record<string, unknown> | ((sandbox: Sandbox, port: number) => Record<string, unknown>)
  files?: Files
  github?: Partial<GithubSettings>
}

/** A test that polls is no flood. */
const unhurried = {
  requests_per_minute: { agent: 100_000, address: 100_000 },
  failures_per_minute: { address: 100_000 },
}

export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const clock = options.clock ?? systemClock()
  const sandbox = await startSandbox({ clock, ...(options.github && { github: options.github }) })
  const { files = {}, settings: given = {} } = options
  const port = await freePort()
  const replaced = typeof given === 'function' ? given(sandbox, port) : given
  const settings = { ...replaced, limits: { ...unhurried, ...(replaced['limits'] as object | undefined) } }
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-test-'))
  const url = `http://127.0.0.1:${port}`
  const file = await writeConfiguration(directory, sandbox, port, { settings, files })
  const log: string[] = []
  let broker: Broker | undefined

  const test: TestBroker = {
    sandbox,
    url,
    directory,
    file,
    log,
    async call(method, path, { token, body, headers } = {}) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      const json = /json/.test(response.headers.get('Content-Type') ?? '')
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
    },
    workload: (claims) => sandbox.issuer.token({ ...sandboxWorkload, aud: url, ...claims }),
    admin: (claims) => sandbox.issuer.token({ ...sandboxAdmin, aud: `${url}/admin`, ...claims }),
    async open(body, claims) {
      const asked = { purpose: 'a test', authorization_details: [writeWeb], ttl: 600, ...body }
      return await test.call('POST', '/v1/tasks', { token: await test.workload(claims), body: asked })
    },
    mint: (task, detail = writeWeb, context) =>
      test.call('POST', `/v1/tasks/${task.id}/credentials`, {
        token: task.task_token,
        body: { authorization_detail: detail, context },
      }),
    complete: (task) => test.call('POST', `/v1/tasks/${task.id}/complete`, { token: task.task_token }),
    read: (task) => test.call('GET', `/v1/tasks/${task.id}`, { token: task.task_token }),
    revoke: async (selector) =>
      test.call('POST', '/v1/admin/revocations', {
        token: await test.admin(),
        body: { selector, reason: 'a test' },
      }),
    async use(token, path = '/repos/acme/web') {
      const response = await fetch(sandbox.github.url + path, {
        headers: { Authorization: `Bearer ${token}`, 'User-Agent': 'test' },
      })
      await response.body?.cancel()
      return response.status
    },
    async start() {
      const logger = createLogger({ write: (line) => void log.push(line) })
      broker = await startBroker(file, { clock, log: logger, providers, env: process.env })
    },
    async stop() {
      await broker?.close()
      broker = undefined
    },
    async [Symbol.asyncDispose]() {
      await test.stop()
      await sandbox.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    await test.start()
  } catch (error) {
    await test[Symbol.asyncDispose]()
    throw error
  }
  return test
}

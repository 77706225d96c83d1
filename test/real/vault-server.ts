/** A real OpenBao or Vault to hold the sandbox against, where there is one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { isLoopback } from '../../src/base/endpoint.ts'
import { freePort } from '../../src/sandbox/configuration.ts'
import { until } from '../support/until.ts'

export interface RealVault {
  /** Without a trailing slash. */
  url: string
  /** A token that may do everything. */
  root: string
  /** Whether it is an OpenBao that nobody else uses. */
  ownBao: boolean
  /** A request as root. @throws when it is refused. */
  set(method: string, path: string, body?: unknown): Promise<void>
  close(): Promise<void>
}

/**
 * A development server of the `bao` or `vault` on PATH, or the one at VAULT_ADDR
 * with VAULT_TOKEN. That one only on this machine: the tests write policies and
 * mounts, and whoever has the address of a Vault in use set did not mean that.
 */
export async function realVault(): Promise<RealVault | undefined> {
  const { VAULT_ADDR: address, VAULT_TOKEN: token } = process.env
  if (address !== undefined && token !== undefined && isLoopback(address))
    return at(address, token, false, async () => undefined)
  const binary = ['bao', 'vault'].map(onPath).find((path) => path !== undefined)
  return binary === undefined ? undefined : await start(binary)
}

function onPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

async function start(binary: string): Promise<RealVault> {
  const root = 'root-of-a-test'
  const home = await mkdtemp(join(tmpdir(), 'mayfly-vault-'))
  const address = `127.0.0.1:${await freePort()}`
  const server = spawn(
    binary,
    ['server', '-dev', `-dev-root-token-id=${root}`, `-dev-listen-address=${address}`, '-dev-no-store-token'],
    { env: { PATH: process.env['PATH'], HOME: home }, stdio: 'ignore' },
  )
  const ended = once(server, 'exit')
  const url = `http://${address}`
  await until(
    async () =>
      server.exitCode !== null ||
      (await fetch(`${url}/v1/sys/health`).then(
        ({ ok }) => ok,
        () => false,
      )),
    20_000,
  )
  return at(url, root, basename(binary) === 'bao', async () => {
    server.kill()
    await ended
    await rm(home, { recursive: true, force: true })
  })
}

function at(url: string, root: string, ownBao: boolean, close: () => Promise<void>): RealVault {
  return {
    url,
    root,
    ownBao,
    async set(method, path, body) {
      const response = await fetch(`${url}/v1/${path}`, {
        method,
        headers: { 'x-vault-token': root },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    },
    close,
  }
}

/** A run over upstreams whose credentials live much shorter than its task, and what became of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import type { LedgerEntry } from '../../src/sandbox/ledger.ts'
import { everyUpstream, permissive } from './every-upstream.ts'
import { startTestBroker, type TestBroker } from './broker.ts'
import { mayfly } from './mayfly.ts'

export const scopes = [
  'github:acme/web:contents=write',
  'aws:arn:aws:iam::123456789012:role/deployer',
  'vault:policies=ci-read',
]

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))
/** What stands in for the programs `gh` and `vault`. */
export const standIn = (tool: 'gh' | 'vault') => [process.execPath, script('tool.ts'), tool]

export interface LongRun {
  broker: TestBroker
  /** HOME of whatever runs. */
  home: string
  /** Keeps calling the commands in one run, and tells of each how often it went well, and its failures. */
  work(
    seconds: number,
    commands: Record<string, string[]>,
    env?: Record<string, string>,
  ): Promise<Record<string, { well: number; failures: string[] }>>
}

/** `life`: of every upstream's credentials, seconds. */
export async function longRun(life: number): Promise<LongRun> {
  const broker = await startTestBroker({
    settings: (sandbox) => everyUpstream(sandbox),
    files: permissive,
    github: { tokenLife: life * 1000 },
  })
  const home = await mkdtemp(join(tmpdir(), 'mayfly-home-'))
  onTestFinished(async () => {
    await broker[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })
  const { aws, vault, github } = broker.sandbox
  aws.settings.sessionLife = life * 1000
  vault.settings.maxLeaseTtl = life
  return {
    broker,
    home,
    async work(seconds, commands, env = {}) {
      const line = ['run', '--purpose', 'a test', '--ttl', '1800', '--git-host', github.url]
      const asked = scopes.flatMap((scope) => ['--scope', scope])
      const work = [process.execPath, script('keep-calling.ts'), String(seconds), JSON.stringify(commands)]
      const { status, stdout, stderr } = await mayfly([...line, ...asked, '--', ...work], {
        HOME: home,
        MAYFLY_URL: broker.url,
        MAYFLY_TOKEN: await broker.workload(),
        GIT_TERMINAL_PROMPT: '0',
        GITHUB_API: github.url,
        STS: aws.endpoints.sts,
        SECRET: 'secret/data/ci/npm',
        ...env,
      })
      // What the AWS SDK says where a busy machine has let it wait for more than a second.
      const said = stderr.replaceAll(
        /^@smithy\/node-http-handler - \[WARN\] a request has exceeded .*\n/gm,
        '',
      )
      expect({ status, said }).toEqual({ status: 0, said: '' })
      return JSON.parse(stdout)
    },
  }
}

/** For how long, milliseconds, each credential was alive beside the one that followed it. */
export function overlaps(entries: readonly LedgerEntry[]): number[] {
  return entries.slice(1).map((next, index) => endOf(entries[index]!) - next.mintedAt)
}

function endOf({ revokedAt = Infinity, expiresAt }: LedgerEntry): number {
  return Math.min(revokedAt, expiresAt)
}

/** What the upstream's own ledger says of the credentials of one scope, a line. */
export function evidenceOf(provider: string, entries: readonly LedgerEntry[]): string {
  const revoked = entries.filter(({ revokedAt }) => revokedAt !== undefined).length
  const beside = overlaps(entries).map((ms) => (ms / 1000).toFixed(1))
  return `${provider}: ${entries.length} minted, ${revoked} revoked before their end, overlaps of ${beside.join(', ')} s`
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { loadConfiguration, type Configuration } from '../../src/config/load.ts'
import type { Fault } from '../../src/base/fault.ts'
import type { Provider } from '../../src/provider/contract.ts'
import { manualClock } from './clock.ts'

/** The smallest configuration that serves someone. */
export const settings = {
  url: 'https://mayfly.acme.example',
  seal: { keys: [{ id: 'k1', secret: { file: './seal.key' } }] },
  issuers: {
    'github-actions': { issuer: 'https://token.actions.githubusercontent.com' },
    okta: { issuer: 'https://acme.okta.example', tenancy: 'single', audience: 'mayfly-console' },
  },
  admins: [{ name: 'security', issuer: 'okta', claims: { groups: 'security' }, may: ['read', 'approve'] }],
}

export const refactorBot = {
  name: 'refactor-bot',
  owner: 'ada@acme.example',
  purpose: 'Opens refactoring pull requests',
  environment: 'dev',
  review_by: '2027-06-30',
  max_ttl: 3600,
  match: [{ issuer: 'github-actions', subject: 'repo:acme/web:*', claims: { repository_id: '123' } }],
}

export interface Loaded {
  configuration?: Configuration
  faults: Fault[]
  /** Where it was written. */
  directory: string
}

/**
 * Writes an installation to a directory of its own and compiles it. `files` add
 * to or replace those of a sound one, as text, bytes or data; undefined removes one.
 */
export async function load(
  files: Record<string, unknown> = {},
  given: { providers?: Provider[]; env?: Record<string, string>; fetch?: typeof fetch } = {},
): Promise<Loaded> {
  const directory = mkdtempSync(join(tmpdir(), 'mayfly-config-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const sound: Record<string, unknown> = {
    'mayfly.yaml': settings,
    'seal.key': `${Buffer.alloc(32, 7).toString('base64')}\n`,
    'agents/refactor-bot.yaml': refactorBot,
    'policies/none.cedar': '// Nothing is permitted.\n',
  }
  for (const [name, content] of Object.entries({ ...sound, ...files })) {
    if (content === undefined) continue
    const path = join(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(
      path,
      typeof content === 'string' || content instanceof Uint8Array
        ? content
        : stringify(content, { aliasDuplicateObjects: false }),
      { mode: 0o600 },
    )
  }
  const { providers = [], env = {}, ...rest } = given
  const loaded = await loadConfiguration(join(directory, 'mayfly.yaml'), {
    providers,
    env,
    clock: manualClock(),
    ...rest,
  })
  return { ...loaded, directory }
}

/** With some settings of `mayfly.yaml` changed. */
export function loadWith(
  changes: object,
  files: Record<string, unknown> = {},
  given?: Parameters<typeof load>[1],
) {
  return load({ ...files, 'mayfly.yaml': { ...settings, ...changes } }, given)
}

/** With the one agent changed. */
export function loadAgent(changes: object): Promise<Loaded> {
  return load({ 'agents/refactor-bot.yaml': { ...refactorBot, ...changes } })
}

/** The one thing that is wrong, and stops the start. */
export function onlyFault({ configuration, faults }: Loaded): Fault {
  const [fault, ...more] = faults.filter(({ warning }) => !warning)
  if (!fault || more.length > 0 || configuration)
    throw new Error(`one fault was expected, not ${JSON.stringify(faults)}`)
  return fault
}

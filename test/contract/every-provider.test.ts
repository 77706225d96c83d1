/** What a provider has to bring along, held for each in the catalog: CONTRIBUTING, "A new provider", in the same order. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { providers } from '../../providers/catalog.ts'
import { shorthands } from '../../providers/shorthands.ts'
import { secretShapes } from '../../src/broker/logger.ts'
import { scaffold } from '../../src/cli/init/scaffold.ts'
import { partsOf } from '../../src/demo/walkthrough.ts'
import type { Provider } from '../../src/provider/contract.ts'
import { everyUpstream } from '../../src/sandbox/configuration.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'

const root = join(import.meta.dirname, '../..')
const textOf = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '')

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.close())

/** What of a provider is missing, one line each. */
const wants: ((provider: Provider) => string | undefined)[] = [
  ({ type }) => {
    const file = `test/providers/${type}.test.ts`
    const runs = [`providerContract('${type}`, `provider: ${type},`].every((each) =>
      textOf(file).includes(each),
    )
    return runs ? undefined : `its contract is not run: ${file} has to call providerContract('${type}', …)`
  },
  ({ type, detail, scopeExamples }) =>
    shorthands.some(
      (each) => each.type === type && each.detail === detail && each.scopeExamples === scopeExamples,
    )
      ? undefined
      : 'a client does not know its scopes: a line in providers/shorthands.ts',
  ({ type }) =>
    type in sandbox
      ? undefined
      : `it has no counterpart: src/sandbox/${type}/counterpart.ts, and a line in src/sandbox/counterparts.ts`,
  (provider) => {
    const { type } = provider
    const { settings } = everyUpstream(sandbox, 8420)
    const entries = (settings['providers'] as Record<string, unknown[]>)[type] ?? []
    return entries.length > 0 && entries.every((entry) => isEntry(provider, entry))
      ? undefined
      : `its counterpart arranges no connection that its configuration takes: src/sandbox/${type}/counterpart.ts`
  },
  ({ type, detail }) => {
    const scopes = partsOf(sandbox).filter((part) => part.provider === type)
    return scopes.length > 0 && scopes.every(({ scope }) => detail.safeParse(scope).success)
      ? undefined
      : `the demo shows no life of its credentials: lifecycles in src/sandbox/${type}/counterpart.ts`
  },
  (provider) => {
    const page = `docs/providers/${provider.type}.md`
    const [, block = ''] = /```yaml\n(.*?)```/s.exec(textOf(page)) ?? []
    const entries = entriesIn(provider, block)
    return entries.length > 0 && entries.every((entry) => isEntry(provider, entry))
      ? undefined
      : `${page} shows no configuration that it takes`
  },
  (provider) => {
    const page = `docs/providers/${provider.type}.md`
    const shown = [...textOf(page).matchAll(new RegExp(`\`${provider.type}:([^\`]+)\``, 'g'))]
    return shown.some(([, scope = '']) => isScope(provider, scope))
      ? undefined
      : `${page} shows no scope of it`
  },
  (provider) => {
    const written = scaffold('2027-06-30')['mayfly.yaml'] ?? ''
    const { starter, type } = provider
    const lacking = `\`mayfly init\` offers no connection of it: providers/${type}/starter.ts`
    if (!new RegExp(`^ *(?:# )?${type}:$`, 'm').test(written)) return lacking
    const offered = entriesIn(provider, starter.replaceAll('YOUR.DOMAIN', 'acme.example'))
    const taken = offered.length > 0 && offered.every((entry) => isEntry(provider, filledIn(entry)))
    return taken ? undefined : lacking
  },
  ({ type }) =>
    type in secretShapes
      ? undefined
      : 'the logger does not know what its secrets look like: src/broker/logger.ts',
]

/** The entries that `yaml` has under the provider's type, below `providers:` or not. */
function entriesIn({ type }: Provider, yaml: string): unknown[] {
  const written = (parse(yaml) ?? {}) as Record<string, unknown>
  const listed = ((written['providers'] ?? written) as Record<string, unknown>)[type]
  return Array.isArray(listed) ? listed : []
}

/** Whether the provider takes it, but for what in it is the broker's. */
function isEntry({ config }: Provider, entry: unknown): boolean {
  const { ca: _ca, retired: _retired, ...own } = entry as Record<string, unknown>
  return config.safeParse(own).success
}

/** With a number for each thing that only an operator can know. */
function filledIn(entry: unknown): unknown {
  const filled = Object.entries(entry as object).map(([key, value]) => [key, value === null ? 1 : value])
  return Object.fromEntries(filled)
}

function isScope({ parseScope }: Provider, text: string): boolean {
  try {
    parseScope(text)
    return true
  } catch {
    return false
  }
}

test.each(providers.map((provider) => [provider.type, provider] as const))(
  'the provider %s brings along all that there has to be of it',
  (type, provider) => {
    const missing = wants.flatMap((want) => want(provider) ?? [])
    expect(missing.map((what) => `${type}: ${what}`)).toEqual([])
  },
)

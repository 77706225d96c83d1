/** `--scope`: `TYPE:…`, the rest of it in its provider's own shorthand. */
import { InvalidArgumentError } from 'commander'
import { type Shorthand, shorthands } from '../../providers/shorthands.ts'
import type { AuthorizationDetail } from '../client/client.ts'
import { tools } from '../provider/tools.ts'

/** What a task may ask for: credentials of providers, and calls of tools. */
const providers: readonly Shorthand[] = [...shorthands, tools as Shorthand]

const examples = providers.flatMap(({ type, scopeExamples }) =>
  scopeExamples.map((example) => `  ${type}:${example}`),
)

export const scopeHelp = `
A scope names its provider first:
${examples.join('\n')}`

/** @throws InvalidArgumentError that says what is expected. */
export function parseScope(written: string): AuthorizationDetail {
  const [type = ''] = written.split(':', 1)
  const provider = providers.find((known) => known.type === type)
  if (!provider)
    throw new InvalidArgumentError(
      `It begins with a provider and a colon; known are ${providers.map((known) => known.type).join(', ')}.`,
    )
  try {
    return provider.parseScope(written.slice(type.length + 1)) as AuthorizationDetail
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : 'It cannot be read.')
  }
}

/** What a detail is for, in that shorthand and without its connection; as it is where its provider cannot read it. */
export function scopeText(detail: AuthorizationDetail): string {
  const { type, connection: _, ...rest } = detail
  const provider = providers.find((known) => known.type === type)
  const read = provider?.detail.safeParse({ type, ...rest })
  return `${type}:${provider && read?.success ? provider.scopeText(read.data) : JSON.stringify(rest)}`
}

/** For an option that may be repeated. */
export function addScope(written: string, earlier: AuthorizationDetail[] = []): AuthorizationDetail[] {
  return [...earlier, parseScope(written)]
}

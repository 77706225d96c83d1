/** `mayfly schema`: what editors check files by. */
import { schemaToJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Command } from 'commander'
import { providers } from '../../providers/catalog.ts'
import { agentSchema, configurationSchema } from '../config/json-schema.ts'
import { policySchema } from '../policy/schema.ts'
import { expectationsSchema } from './policy/expectations.ts'
import { withJson } from './options.ts'

export function register(program: Command): void {
  const group = program
    .command('schema')
    .summary('print the schemas that editors check files with')
    .description(
      `The form of each kind of file, for editors, which complete and check by it. In
YAML name it in the first line:

  # yaml-language-server: $schema=./config.schema.json`,
    )
  registerSchema(group, 'config', 'JSON Schema of mayfly.yaml', () => configurationSchema(providers))
  registerSchema(group, 'agent', 'JSON Schema of an agent file', agentSchema)
  registerSchema(group, 'expectations', 'JSON Schema of the file of `policy check`', expectationsSchema)
  withJson(group.command('cedar'))
    .summary('the Cedar schema of policies')
    .description(
      `Prints the Cedar schema that policies are validated against, for Cedar's editor
extensions and tools; with --json in Cedar's JSON format.`,
    )
    .action(({ json }: { json?: boolean }) => {
      const { text } = policySchema(providers)
      print(json ? JSON.stringify(cedarJson(text), undefined, 2) : text)
    })
}

function registerSchema(group: Command, name: string, summary: string, schema: () => object): void {
  withJson(group.command(name))
    .summary(`the ${summary}`)
    .description(
      `Prints the ${summary} (draft 7),
with or without --json.`,
    )
    .action(() => print(JSON.stringify(schema(), undefined, 2)))
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function cedarJson(text: string): object {
  const converted = schemaToJson(text)
  if (converted.type === 'failure') throw new Error('the policy schema has no JSON form')
  return converted.json
}

/** What may stand in the configuration's files, as JSON Schema: for editors, which check and complete by it. */
import { z } from 'zod'
import { agentFile, name } from '../agents/agent.ts'
import { adminEntry } from '../control/admins.ts'
import { issuerConfig } from '../identity/issuer.ts'
import { notifyEntry } from '../notify/target.ts'
import type { Provider } from '../provider/contract.ts'
import { configurationFile, connectionKeys } from './schema.ts'

/** As the file is written, before anything is made of it; 7 is the draft that most editors know. */
export function jsonSchemaOf(schema: z.ZodType, title: string): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  })
  return { $schema, title, ...rest }
}

export function configurationSchema(providers: readonly Provider[]): Record<string, unknown> {
  const parts = {
    issuers: z.record(name, issuerConfig).describe(configurationFile.issuers.description ?? ''),
    admins: z
      .array(adminEntry)
      .optional()
      .describe(configurationFile.admins.description ?? ''),
    notify: z
      .array(notifyEntry)
      .optional()
      .describe(configurationFile.notify.description ?? ''),
  }
  const schema = jsonSchemaOf(z.strictObject({ ...configurationFile, ...parts }), 'mayfly.yaml')
  const { properties } = schema as { properties: Record<string, object> }
  const { description } = properties['providers'] as { description?: string }
  const connections = Object.fromEntries(providers.map((each) => [each.type, connectionsOf(each)]))
  properties['providers'] = {
    description,
    type: 'object',
    properties: connections,
    additionalProperties: false,
  }
  return schema
}

export function agentSchema(): Record<string, unknown> {
  return jsonSchemaOf(agentFile, 'agent')
}

/** What the provider knows of an entry, and what is the broker's own in each. */
function connectionsOf({ type, config }: Provider): object {
  const own = jsonSchemaOf(connectionKeys, type) as { properties: object }
  const {
    $schema: _,
    properties,
    ...rest
  } = jsonSchemaOf(config, type) as { properties: object; $schema: string }
  return {
    description: `Connections of ${type}.`,
    type: 'array',
    items: { ...rest, properties: { ...properties, ...own.properties } },
  }
}

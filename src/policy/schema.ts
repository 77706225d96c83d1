/** The Cedar schema: the broker's own part and what each provider adds to it. */
import { preparseSchema } from '@cedar-policy/cedar-wasm/nodejs'
import { classes, contextFields, type Provider } from '../provider.ts'

const namespace = 'Mayfly'

/** An entity type or action as policies write it, `Mayfly::Agent`. */
export function qualified(type: string): string {
  return `${namespace}::${type}`
}

/** A type of our namespace without it, or `type` as it is. */
export function unqualified(type: string): string {
  return type.startsWith(`${namespace}::`) ? type.slice(namespace.length + 2) : type
}

const core = `entity Owner;
entity Environment;
entity Agent in [Owner, Environment] = { issuer: String, subject: String } tags Set<String>;
entity Request tags String;
type Context = { ${contextFields} };
action ${classes.join(', ')};`

/** What policy has to know of a provider. */
export type Vocabulary = Pick<Provider, 'cedar' | 'entityFault'>

/** A schema as validation and as decisions need it. */
export interface PolicySchema {
  /** All of it, in Cedar's schema syntax. */
  readonly text: string
  /** The name under which the engine keeps it parsed. */
  readonly name: string
}

/**
 * The engine never frees a schema, but this map cannot outgrow the catalog: a
 * schema is made of code alone, so that every reload finds the one before.
 */
const known = new Map<string, PolicySchema>()

/** @throws Error when the providers' fragments do not make a schema, which is a defect of a provider. */
export function policySchema(providers: readonly Vocabulary[]): PolicySchema {
  const text = `namespace ${namespace} {\n${[core, ...providers.map(({ cedar }) => cedar)].join('\n')}\n}`
  const schema = known.get(text) ?? { text, name: `schema-${known.size}` }
  if (!known.has(text)) {
    const answer = preparseSchema(schema.name, text)
    if (answer.type === 'failure') {
      const problems = answer.errors.map(({ message }) => message)
      throw new Error(`the policy schema is wrong: ${problems.join('; ')}`)
    }
    known.set(text, schema)
  }
  return schema
}

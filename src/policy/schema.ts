/** The Cedar schema: the broker's own part and what each provider adds to it. */
import { preparseSchema, schemaToJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Provider } from '../provider/contract.ts'
import { classes, contextFields } from '../provider/terms.ts'
import { isToolAction, otherTool, toolCedar, toolGroup } from '../provider/tools.ts'

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
entity Claims tags String;
entity Agent in [Owner, Environment] = { issuer: String, subject: String, claims: Claims } tags Set<String>;
entity Request tags String;
type Context = { ${contextFields} };
entity Tool in [Tool];
action ${[...classes, toolGroup].join(', ')};
${toolCedar([otherTool])}`

/** What policy has to know of a provider. */
export type Vocabulary = Pick<Provider, 'cedar' | 'entityFault' | 'parentsOf' | 'patterns' | 'workloads'>

/** A schema as validation and as decisions need it. */
export interface PolicySchema {
  /** All of it, in Cedar's schema syntax. */
  readonly text: string
  /**
   * The name under which the engine keeps the part that a decision about `action` needs.
   * Given all of it, the engine goes through every action there is for each decision.
   */
  nameFor(action: string): string
}

/**
 * The engine never frees a schema, but these cannot outgrow the catalog: they are
 * made of code alone, so that every reload finds those before.
 */
const known = new Map<string, PolicySchema>()

/** @throws Error when the providers' fragments do not make a schema, which is a defect of a provider. */
export function policySchema(providers: readonly Vocabulary[]): PolicySchema {
  const text = `namespace ${namespace} {\n${[core, ...providers.map(({ cedar }) => cedar)].join('\n')}\n}`
  const schema = known.get(text) ?? { text, nameFor: parts(text, `schema-${known.size}`) }
  known.set(text, schema)
  return schema
}

/** The schema with the actions of tools that policies name, which nobody declares. */
export function withTools(text: string, actions: Iterable<string>): string {
  return text.replace(/}$/, `${toolCedar(actions)}\n}`)
}

/** Keeps with the engine, under names that begin with `name`, the parts of the schema that are asked for. */
function parts(text: string, name: string): PolicySchema['nameFor'] {
  const { actions, ...rest } = declarations(text)
  const kept = new Set<string>()
  return (asked) => {
    // Those of tools that policies name are declared alike; no more are asked for than operators have written.
    const declared = isToolAction(asked) ? { ...actions, [asked]: actions[otherTool]! } : actions
    // What is no action shares one part: none is made for it, and the engine refuses it by that.
    const part = `${name}:${Object.hasOwn(declared, asked) ? asked : ''}`
    if (kept.has(part)) return part
    const needed = Object.entries(declared).filter(([id]) => id === asked || isGroup(id))
    const answer = preparseSchema(part, { [namespace]: { ...rest, actions: Object.fromEntries(needed) } })
    if (answer.type === 'failure') throw wrong(answer.errors)
    kept.add(part)
    return part
  }
}

function declarations(text: string) {
  const answer = schemaToJson(text)
  if (answer.type === 'failure') throw wrong(answer.errors)
  return answer.json[namespace]!
}

function isGroup(action: string): boolean {
  return action === toolGroup || (classes as readonly string[]).includes(action)
}

function wrong(errors: { message: string }[]): Error {
  return new Error(`the policy schema is wrong: ${errors.map(({ message }) => message).join('; ')}`)
}

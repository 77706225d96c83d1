/**
 * Tools that an agent calls: a command line, the publishing of a package, a tool of an MCP server. To
 * policy a call is an action on a resource like any other, and a task may ask for it beside
 * credentials, to have it approved; but nothing is minted for it (docs/decisions/0053).
 */
import { z } from 'zod'
import { shown } from '../base/text.ts'
import type { Provider } from './contract.ts'
import type { AuthorizationRequest, Entity, Resource, Terms } from './terms.ts'

/** The group of all calls of tools. It is no class: nobody holds a call. */
export const toolGroup = 'tool'

/** Every tool that no policy names: no name has a `*`. */
export const otherTool = `${toolGroup}.*`

export const toolName = z
  .string()
  .regex(/^\w[\w./-]{0,99}$/, "a tool's name is 1 to 100 letters, digits and any of _ . / -")
export const toolResource = z
  .string()
  .regex(/^\S(?:.{0,198}\S)?$/, 'is 1 to 200 characters, without a space at either end')
  .regex(shown, 'must not contain control, bidirectional or invisible characters')

export const toolDetail = z
  .strictObject({
    type: z.literal('tool'),
    name: toolName,
    /** What is called by it, where that is not its name. */
    resource: toolResource.exactOptional(),
  })
  .transform(({ type, name, resource = name }) => ({ type, name, resource }))
export type ToolDetail = z.output<typeof toolDetail>

export function toolAction(name: string): string {
  return `${toolGroup}.${name}`
}

/** Whether an action, as a policy or a request names it, is the call of some tool. */
export function isToolAction(action: string): boolean {
  return action.startsWith(`${toolGroup}.`) && toolName.safeParse(action.slice(toolGroup.length + 1)).success
}

/** The part of the policy schema in which the actions are declared that `names` are. */
export function toolCedar(actions: Iterable<string>): string {
  return [...actions]
    .map(
      (action) =>
        `action "${action}" in [Action::"${toolGroup}"] appliesTo { principal: [Agent], resource: [Tool], context: Context };`,
    )
    .join('\n')
}

/** The one thing that policy is asked about a call. */
export function toolRequest({ name, resource }: Pick<ToolDetail, 'name' | 'resource'>): AuthorizationRequest {
  return { action: toolAction(name), class: toolGroup, resource: toolEntity(resource), implied: [] }
}

/** `github/create_issue` is in `github`, and `npm publish` in `npm`. */
function toolEntity(id: string): Resource {
  return { type: 'Tool', id, parents: parentsOf({ type: 'Tool', id }) }
}

function parentsOf({ type, id }: Entity): Entity[] {
  const at = id.search(/[/ ]/)
  return type === 'Tool' && at > 0 ? [{ type: 'Tool', id: id.slice(0, at) }] : []
}

const terms: Terms<ToolDetail> = {
  leadsTo: 'tool',
  resources: [],
  serves: () => true,
  requests: (detail) => [toolRequest(detail)],
  covers: (outer, inner) => outer.name === inner.name && outer.resource === inner.resource,
  // What is decided at each call ends with the task.
  revocation: () => 'immediate',
  minTtl: () => 0,
}

/** Of the kinds that a task may ask for, the one that the broker has by itself. */
export const tools: Provider<unknown, ToolDetail> = {
  type: 'tool',
  config: z.never(),
  detail: toolDetail,
  cedar: '',
  entityFault: ({ type, id }) =>
    type === 'Tool' && !toolResource.safeParse(id).success
      ? `${JSON.stringify(id)} is what no call can be of: ${toolResource.safeParse(id).error!.issues[0]!.message}`
      : undefined,
  parentsOf,
  parseScope(text) {
    const at = text.indexOf(':')
    const [name, resource] = at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
    const parsed = toolDetail.safeParse({ type: 'tool', name, ...(resource !== undefined && { resource }) })
    if (parsed.success) return parsed.data
    throw new Error(`It is NAME or NAME:RESOURCE: ${parsed.error.issues[0]!.message}.`)
  },
  scopeText: ({ name, resource }) => (resource === name ? name : `${name}:${resource}`),
  scopeExamples: ['publish:npm'],
  starter: '',
  terms: () => terms,
  connect() {
    throw new Error('a tool is no upstream')
  },
}

/**
 * What an unknown name in a policy was meant to be. The engine suggests the name
 * nearest by its letters, which may be a class for one of its actions, or what a resource
 * is in for the resource: taken up, the policy would be about more than its author wrote.
 */
import { schemaToJson } from '@cedar-policy/cedar-wasm/nodejs'
import { closest } from '../base/closest.ts'
import { qualified, unqualified } from './schema.ts'

/** The remedy for a name as it is written, an entity type or an action. */
export type Suggest = (written: string) => string

/** @throws Error on a schema that does not parse, which has been used by then. */
export function suggestions(schema: string): Suggest {
  const answer = schemaToJson(schema)
  if (answer.type === 'failure') throw new Error('the schema that policies were held against does not parse')
  const declared = Object.values(answer.json)
  const actions = declared.flatMap((part) => Object.keys(part.actions))
  const types = declared.flatMap((part) => Object.keys(part.entityTypes))
  return (written) => {
    const [, id] = /::"(.*)"$/s.exec(written) ?? []
    return id === undefined ? typeRemedy(unqualified(written), types) : actionRemedy(id, actions)
  }
}

function actionRemedy(id: string, actions: readonly string[]): string {
  const [first, ...others] = meantActions(id, actions).map((action) => `${qualified('Action')}::"${action}"`)
  if (first === undefined)
    return id.includes('.')
      ? 'Name an action in full, as github.contents.write.'
      : `Write a class, ${actions.filter((action) => !action.includes('.')).join(', ')}, or an action in full, as github.contents.write.`
  return others.length === 0 ? `Did you mean \`${first}\`?` : `Write one of ${[first, ...others].join(', ')}.`
}

function meantActions(id: string, actions: readonly string[]): string[] {
  if (actions.includes(id)) return [id]
  const steps = id.split('.')
  const alike = actions.filter((action) => action.split('.').length === steps.length)
  const known = steps.map((step, at) => alike.some((action) => action.split('.')[at] === step))
  // A step that there is was meant: a level above all.
  const likely = alike.filter((action) =>
    action
      .split('.')
      .every((step, at) => step === steps[at] || (!known[at] && closest(steps[at]!, [step]) === step)),
  )
  const best = closest(id, likely)
  if (best !== undefined) return [best]
  if (steps.length === 1) return []
  // Without the provider, or at a level that it does not have.
  const stem = id.slice(0, id.lastIndexOf('.') + 1)
  const ending = actions.filter((action) => action.endsWith(`.${id}`))
  return ending.length > 0 ? ending : alike.filter((action) => action.startsWith(stem))
}

function typeRemedy(type: string, types: readonly string[]): string {
  const [whole, another] = types.filter((each) => each.startsWith(type) || each.endsWith(type))
  const near = another === undefined && whole !== undefined ? whole : closest(type, types, 2)
  return near === undefined
    ? `Entity types are ${types.map(qualified).join(', ')}.`
    : `Did you mean \`${qualified(near)}\`?`
}

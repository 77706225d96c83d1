/** What the permits of a configuration reach for, as far as their scopes tell. */
import type { MightPermit } from '../provider/upstream.ts'
import type { Policies } from './compile.ts'
import { entitiesNamed } from './reads.ts'
import { qualified } from './schema.ts'

/** Only the permits' action scopes are looked at: what their conditions rule out counts as possible. */
export function permitted(policies: Policies): MightPermit {
  const named = new Set<string>()
  let everything = false
  for (const { concerning } of policies.agents.values())
    for (const { json } of concerning) {
      if (json.effect !== 'permit') continue
      if (json.action.op === 'All') everything = true
      for (const { type, id } of entitiesNamed({ ...json, conditions: [] }))
        if (type === qualified('Action')) named.add(id)
    }
  return (action) => {
    if (named.has(action.action)) return 'by name'
    return everything || named.has(action.class) ? 'by class' : undefined
  }
}

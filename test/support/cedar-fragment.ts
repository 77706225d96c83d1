import { schemaToJson } from '@cedar-policy/cedar-wasm/nodejs'
import { classes, contextFields } from '../../src/provider/terms.ts'

/** What a provider's fragment may refer to, and no more. */
const core = `
  entity Owner;
  entity Environment;
  entity Agent in [Owner, Environment] = { issuer: String, subject: String } tags Set<String>;
  entity Request tags String;
  type Context = { ${contextFields} };
  ${classes.map((group) => `action ${group};`).join('\n')}`

/** The schema that a provider's fragment makes. */
export function schemaWith(fragment: string): string {
  return `namespace Mayfly { ${core}\n${fragment} }`
}

/** Each action that a provider's fragment declares, by id. @throws when Cedar does not take the fragment. */
export function declaredActions(fragment: string): Map<string, { groups: string[]; resources: string[] }> {
  const answer = schemaToJson(schemaWith(fragment))
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
  const { actions } = Object.values(answer.json)[0]!
  return new Map(
    Object.entries(actions).map(([id, { memberOf, appliesTo }]) => [
      id,
      { groups: (memberOf ?? []).map((group) => group.id), resources: appliesTo?.resourceTypes ?? [] },
    ]),
  )
}

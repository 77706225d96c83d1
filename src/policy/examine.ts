/** What the engine has to say of policy files by themselves: their policies, and what is wrong with each. */
import { validate } from '@cedar-policy/cedar-wasm/nodejs'
import type { Fault } from '../base/fault.ts'
import { parsePolicies, placeIn, type ParsedPolicy } from './parse.ts'
import { remedyFrom } from './remedy.ts'
import { toolsNamed } from './reads.ts'
import { qualified, withTools } from './schema.ts'
import { suggestions, type Suggest } from './suggest.ts'

export interface PolicyFile {
  file: string
  text: string
}

export interface Examined {
  policies: ParsedPolicy[]
  /** What is no policy. */
  unparsed: Fault[]
  /** What does not fit the schema, or does not do what it seems to. */
  invalid: Fault[]
}

/** `schema` in Cedar's syntax. Takes about a millisecond for each policy, in which nothing else happens here. */
export function examine(schema: string, files: readonly PolicyFile[]): Examined {
  const parsed = files.map(({ file, text }) => parsePolicies(file, text))
  const policies = parsed.flatMap((each) => each.policies)
  const whole = withTools(schema, toolsNamed(policies.map(({ json }) => json)))
  return {
    policies,
    unparsed: parsed.flatMap(({ faults }) => faults),
    invalid: invalid(policies, whole),
  }
}

const anAction = new RegExp(`${qualified('Action')}::"[^"]*"`)

/** Cedar's own findings; its warnings too, for they are policies that do not do what they seem to. */
function invalid(policies: readonly ParsedPolicy[], schema: string): Fault[] {
  const answer = validate({
    validationSettings: { mode: 'strict' },
    schema,
    // By position, because an @id may yet be missing or repeated.
    policies: { staticPolicies: Object.fromEntries(policies.map(({ text }, at) => [`${at}`, text])) },
  })
  if (answer.type === 'failure') throw new Error('policies that parse alone do not parse as a set')
  const [doubt] = answer.otherWarnings
  if (doubt) throw new Error(`the policy schema is doubtful: ${doubt.message}`)
  const findings = [...answer.validationErrors, ...answer.validationWarnings]
  // The engine finds one mistake in the context of every action that the policy is about.
  const alike = Map.groupBy(findings, ({ policyId, error: { message } }) =>
    JSON.stringify([policyId, message.replace(anAction, '')]),
  )
  const misnamed = new Set(findings.filter(namesUnknown).map(({ policyId }) => policyId))
  const suggest = misnamed.size > 0 ? suggestions(schema) : undefined
  return [...alike.values()].flatMap((same) => {
    // In no order: the first by its words, so that the same policy always gets the same fault.
    const finding = same.reduce((a, b) => (b.error.message < a.error.message ? b : a))
    const { policyId, error } = finding
    const policy = policies[Number(policyId)]
    if (!policy) throw new Error('the engine found fault with a policy that it was not given')
    // A policy that names what there is not is about nothing, which need not be said as well.
    if (misnamed.has(policyId) && aboutNothing.test(error.message)) return []
    const others = same.length > 1 ? `, and for ${same.length - 1} actions more` : ''
    const [at] = error.sourceLocations ?? []
    return {
      file: policy.file,
      path: policy.path,
      ...placeIn(policy, at?.start ?? 0),
      message: error.message.replace(`for policy \`${policyId}\`, `, '') + others,
      remedy: remedyOf(finding, policy, suggest),
    }
  })
}

type Finding = Extract<ReturnType<typeof validate>, { type: 'success' }>['validationErrors'][number]

const unknownName = /unrecognized (?:action|entity type) `/
const aboutNothing = /unable to find an applicable action|policy is impossible/

function namesUnknown({ error }: Finding): boolean {
  return unknownName.test(error.message)
}

/** The engine's advice, except where it is to permit or forbid more than was written. */
function remedyOf(finding: Finding, { text }: ParsedPolicy, suggest: Suggest | undefined): string {
  const { error } = finding
  const [at] = error.sourceLocations ?? []
  if (suggest && at && namesUnknown(finding))
    return suggest(Buffer.from(text).subarray(at.start, at.end).toString())
  if (/replacing `==` with `in`/.test(error.help ?? ''))
    return 'Name in == what the action is asked of, or with `in` what may hold many of it, if all of that is meant.'
  return remedyFrom(error.help, 'Correct the policy, or remove it.')
}

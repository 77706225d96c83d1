/** The rules that Mayfly sets for policies beyond Cedar's own (design §9) (docs/decisions/0021). */
import { isDeepStrictEqual } from 'node:util'
import type { Fault } from '../base/fault.ts'
import { shown } from '../base/text.ts'
import { otherTool, toolGroup, tools } from '../provider/tools.ts'
import { lineOf, type ParsedPolicy, placeIn } from './parse.ts'
import { patternBreaches } from './patterns.ts'
import { contextReads, entitiesNamed } from './reads.ts'
import { unqualified, type Vocabulary } from './schema.ts'
import { wordBreaches } from './words.ts'

/** `at`: the words of the policy that it is about. */
type Finding = Pick<Fault, 'message' | 'remedy'> & { at?: string }

const longestDescription = 500

const annotationNames = new Set(['id', 'approval', 'description'])

/** What is wrong with one policy, leaving aside the others. */
export function breaches(
  policy: ParsedPolicy,
  given: { providers: readonly Vocabulary[]; approvers: ReadonlySet<string> },
): Fault[] {
  return [
    ...annotations(policy),
    ...description(policy),
    ...approval(policy, given.approvers),
    ...context(policy),
    ...wordBreaches(policy.json),
    ...patternBreaches(policy.json, Object.assign({}, ...given.providers.map(({ patterns }) => patterns))),
    ...entities(policy, given.providers),
  ].map(({ at = '', ...finding }: Finding) => ({
    file: policy.file,
    path: policy.path,
    ...placeIn(policy, at),
    ...finding,
  }))
}

function* annotations({ id, json }: ParsedPolicy): Generator<Finding> {
  if (id === undefined) {
    yield {
      message: 'the policy has no @id',
      remedy: 'Put @id("…") before it: answers and audit name policies by it.',
    }
  }
  for (const name of Object.keys(json.annotations ?? {})) {
    // A misspelt @approval would leave a forbid that no approval is ever asked for.
    if (!annotationNames.has(name)) {
      yield {
        at: `@${name}`,
        message: `the annotation @${name} is unknown`,
        remedy: `Use ${[...annotationNames].join(', ')}.`,
      }
    }
  }
}

/** Whoever is refused or asked reads it: what it shows is what it says. */
function* description({ json }: ParsedPolicy): Generator<Finding> {
  const text = lineOf(json.annotations?.['description'] ?? '')
  if (shown.test(text) && text.length <= longestDescription) return
  yield {
    at: '@description',
    message: '@description is not printable text of a line or two',
    remedy: `Write what shows as it is, at most ${longestDescription} characters long.`,
  }
}

function* approval({ json }: ParsedPolicy, approvers: ReadonlySet<string>): Generator<Finding> {
  const annotated = Object.hasOwn(json.annotations ?? {}, 'approval')
  const unless = json.conditions.filter(({ kind }) => kind === 'unless')
  const lifting = unless.flatMap(({ body }) => liftedBy(body) ?? [])
  if (annotated) {
    const group = json.annotations?.['approval'] ?? ''
    const clause = `unless { context.approvals.contains(${JSON.stringify(group)}) }`
    if (json.effect === 'permit') {
      yield { message: '@approval stands on a permit', remedy: `Make it a forbid with ${clause}.` }
    } else if (unless.length !== 1 || lifting[0] !== group) {
      yield {
        message: `@approval("${group}") needs the same group in its only unless clause`,
        remedy: `Write ${clause}, and any other condition as a when clause.`,
      }
    }
    if (!approvers.has(group)) {
      yield {
        message: `nobody can give the approval of "${group}"`,
        remedy: 'Name an entry of admins that may approve.',
      }
    }
  }
  const reads = contextReads(json.conditions).attributes.filter(
    (attribute) => attribute === 'approvals',
  ).length
  if (reads > (annotated && lifting.length === 1 ? 1 : 0)) {
    yield {
      message: 'context.approvals is used outside the unless clause of an @approval forbid',
      remedy: 'Write one forbid with @approval and its unless clause for each group.',
    }
  }
}

/** The group of `context.approvals.contains("GROUP")`, if `body` is that and nothing else. */
function liftedBy(body: object): string | undefined {
  if (!('contains' in body)) return undefined
  const { left, right } = body.contains as { left: unknown; right: { Value?: unknown } }
  const approvals = { '.': { left: { Var: 'context' }, attr: 'approvals' } }
  return isDeepStrictEqual(left, approvals) && typeof right.Value === 'string' ? right.Value : undefined
}

function* context({ json }: ParsedPolicy): Generator<Finding> {
  if (contextReads(json.conditions).whole) {
    // `{ c: context }.c.purpose` and the like: what is read could no longer be told.
    yield {
      message: 'context is used as a whole',
      remedy: 'Use its attributes one by one, as in context.ttl.',
    }
  }
}

function* entities({ json }: ParsedPolicy, providers: readonly Vocabulary[]): Generator<Finding> {
  for (const { type, id } of entitiesNamed(json)) {
    const entity = { type: unqualified(type), id }
    if (entity.type === 'Request') {
      // By its uid, a permit would reach the caller's words without naming context (I11).
      yield { message: 'a Request has no name in policies', remedy: 'Use context.request in a forbid.' }
    }
    if (entity.type === 'Action' && id === otherTool) {
      // It is in the schema, as what all tools are that no policy names, and nobody means only those.
      yield {
        at: JSON.stringify(id),
        message: `${id} is the name of no tool`,
        remedy: `For every tool write \`action in Mayfly::Action::"${toolGroup}"\`.`,
      }
    }
    if (entity.type === 'Claims') {
      yield { message: 'Claims have no name in policies', remedy: 'Use principal.claims.' }
    }
    for (const provider of [...providers, tools]) {
      const message = provider.entityFault?.(entity)
      const written = JSON.stringify(id)
      if (message !== undefined) yield { at: written, message, remedy: `Correct ${type}::${written}.` }
    }
  }
}

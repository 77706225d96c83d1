/** Evaluates one action on one resource in the Cedar engine (docs/decisions/0005). */
import { statefulIsAuthorized, type EntityJson } from '@cedar-policy/cedar-wasm/nodejs'
import { fixedOwner } from '../agents/owner.ts'
import { claimTexts } from '../identity/claim-texts.ts'
import { claimAt } from '../identity/claims.ts'
import type { Class, ClassedAction, Entity, Resource, Revocation } from '../provider/terms.ts'
import { isToolAction, otherTool } from '../provider/tools.ts'
import type { Steps } from '../base/turns.ts'
import type { AgentFacts, AgentPolicies, Policies } from './compile.ts'
import { qualified } from './schema.ts'
import { lineage } from './slice.ts'
import { remembered, type Verdict } from './verdict.ts'

/** What is known of the task that asks. */
export interface Facts {
  agent: AgentFacts
  /** `issuer` is the configured issuer's name; claims are as they stand in the token. */
  principal: { issuer: string; subject: string; claims: Record<string, unknown> }
  purpose: string
  /** The task's whole lifetime, seconds. */
  ttl: number
  /** The admin groups that said yes. */
  approvals: string[]
  /** 0 for a task of its own, 1 for a child, and so on. */
  depth: number
  /** The context that the caller gave. */
  request: Record<string, string>
  /** Classes of all leases not yet over, of the agent and of every task in the tree. */
  held: Class[]
}

/** One action on one resource. */
export interface Question {
  action: ClassedAction
  resource: Resource
  connection: string
  revocation: Revocation
  /** Context of the provider's own. */
  context: Record<string, string[]>
  /** Whether a policy has to permit it; otherwise it is enough that none forbids it. */
  needsPermit: boolean
}

/** Asks the engine one question, with these groups having approved: a step for each set of policies. */
export type Evaluate = (question: Question, approvals: ReadonlySet<string>) => Steps<Verdict>

const undecidable: Verdict = { allowed: false, policies: [], failed: true }

// oxlint-disable-next-line require-yield -- there is nothing to ask
function* cannotTell(): Steps<Verdict> {
  return undecidable
}

/** What the engine is told of a task, whatever is asked: the same for tasks that the policies cannot tell apart. */
interface Told {
  slice: AgentPolicies
  read: <T>(attribute: string, value: T, instead: T) => T
  /** `entities`: the agent, its claims and what the caller said. */
  self: Entity
  entities: EntityJson[]
  context: Record<string, unknown>
}

/** Undefined where nothing can be decided. `held` is what the agent would hold with what it asks for. */
function tell(policies: Policies, facts: Facts, held: ReadonlySet<Class>): Told | undefined {
  const slice = policies.agents.get(facts.agent.name)
  // The slice was made for this owner, or for any, and this environment; for others it may lack a forbid.
  if (!slice || slice.agent.environment !== facts.agent.environment) return undefined
  if ((fixedOwner(slice.agent.owner) ?? facts.agent.owner) !== facts.agent.owner) return undefined

  // A lone surrogate has no UTF-8, which is all that the engine reads.
  if (![facts.purpose, ...Object.entries(facts.request).flat()].every((text) => text.isWellFormed()))
    return undefined

  // What no policy reads is the same for everybody: it cannot make a difference, so no two questions differ by it.
  const read = <T>(attribute: string, value: T, instead: T): T => (reads(slice, attribute) ? value : instead)
  const { self, parents } = lineage(facts.agent)
  const sets = claimTags(facts.principal.claims, slice.claims)
  const single = { type: qualified('Claims'), id: 'claims' }
  const claims: EntityJson = {
    uid: single,
    attrs: {},
    parents: [],
    tags: read('claims', singles(sets, facts.principal.claims), {}),
  }
  const agent: EntityJson = {
    uid: self,
    attrs: {
      issuer: read('issuer', facts.principal.issuer, ''),
      subject: read('subject', facts.principal.subject, ''),
      claims: { __entity: single },
    },
    parents,
    tags: sets,
  }
  const uid = { type: qualified('Request'), id: 'request' }
  const request: EntityJson = {
    uid,
    attrs: {},
    parents: [],
    tags: read('request', facts.request, {}),
  }
  const context = {
    purpose: read('purpose', facts.purpose, ''),
    ttl: read('ttl', facts.ttl, 0),
    environment: facts.agent.environment,
    depth: read('depth', facts.depth, 0),
    request: { __entity: uid },
    held: read('held', [...held].toSorted(), []),
  }
  return { slice, read, self, entities: [agent, claims, request], context }
}

function reads({ attributes }: AgentPolicies, attribute: string): boolean {
  return attributes === 'all' || attributes.has(attribute)
}

/** Whether a policy that can concern the agent reads this attribute. */
export function hangsOn(policies: Policies, agent: string, attribute: string): boolean {
  const slice = policies.agents.get(agent)
  return slice !== undefined && reads(slice, attribute)
}

/**
 * The same text for facts of which the policies must say the same, whatever it is that all of them
 * are asked about. `held` is what the agent would hold with that.
 */
export function likeness(policies: Policies, facts: Facts, held: ReadonlySet<Class>): string {
  const told = tell(policies, facts, held)
  if (!told) return ''
  const approvals = told.read('approvals', facts.approvals.toSorted(), [])
  return JSON.stringify([told.slice.names, told.entities, told.context, approvals])
}

/**
 * Prepares to ask about one task. `held` is what the agent would hold with what
 * it asks for; `name` is the engine's name of the policies to ask, all that can
 * concern the agent unless it is given.
 */
export function evaluation(
  policies: Policies,
  facts: Facts,
  held: ReadonlySet<Class>,
  name?: string,
): Evaluate {
  const told = tell(policies, facts, held)
  if (!told) return cannotTell
  const { slice, read, self, entities, context } = told
  // Names other than the slice's own are given back, and then mean other policies.
  const names = name === undefined ? slice.names : [name]
  const known =
    name === undefined ? remembered(policies, JSON.stringify([names[0], entities, context])) : undefined

  return function* (question, approvals) {
    const { action, resource } = question
    // Callers may name any tool there is, and the engine would keep a schema for each.
    const id = isToolAction(action.action) && !policies.tools.has(action.action) ? otherTool : action.action
    const own = Object.entries(question.context).map(([key, value]) => [key, read(key, value, [])] as const)
    const through = {
      connection: read('connection', question.connection, ''),
      class: action.class,
      revocation: question.revocation,
      approvals: read('approvals', [...approvals].toSorted(), []),
    }
    // With the asker it tells all that is asked below.
    const key = JSON.stringify([id, own, through, resource, question.needsPermit])
    const said = known?.get(key)
    if (said) return said
    const target = { type: qualified(resource.type), id: resource.id }
    const parents = resource.parents.map((parent) => ({ type: qualified(parent.type), id: parent.id }))
    const call = {
      principal: self,
      action: { type: qualified('Action'), id },
      resource: target,
      context: { ...Object.fromEntries(own), ...context, ...through },
      preparsedSchemaName: policies.schema.nameFor(id),
      // Without it, an action on a resource or with a context that its schema does not declare
      // is evaluated all the same, by policies that were validated for something else.
      validateRequest: true,
      entities: [...entities, { uid: target, attrs: {}, parents }],
    }
    const answers: (Answer | undefined)[] = []
    for (const preparsedPolicySetId of names) {
      answers.push(ask({ ...call, preparsedPolicySetId }))
      yield 200 + (5 * slice.concerning.length) / names.length
    }
    const verdict = verdictOf(answers, question.needsPermit)
    known?.set(key, verdict)
    return verdict
  }
}

/** What one set of policies says. */
interface Answer {
  permits: boolean
  forbidding: string[]
  failing: string[]
}

/** Undefined where the engine says nothing. */
function ask(call: Parameters<typeof statefulIsAuthorized>[0]): Answer | undefined {
  let answer
  try {
    answer = statefulIsAuthorized(call)
  } catch {
    // A lone surrogate in a claim does this.
    return undefined
  }
  if (answer.type === 'failure') return undefined
  const { decision, diagnostics } = answer.response
  return {
    permits: decision === 'allow',
    forbidding: decision === 'deny' ? diagnostics.reason : [],
    failing: diagnostics.errors.map(({ policyId }) => policyId),
  }
}

/** As if all sets were one: what any forbids is forbidden, what one permits and none forbids is allowed. */
function verdictOf(answers: readonly (Answer | undefined)[], needsPermit: boolean): Verdict {
  const said = answers.filter((answer) => answer !== undefined)
  if (said.length < answers.length) return undecidable
  const forbidding = said.flatMap((answer) => answer.forbidding)
  const failing = said.flatMap((answer) => answer.failing)
  // Cedar skips a forbid that fails to evaluate, and may then allow (invariant I9).
  if (failing.length > 0) return { allowed: false, policies: [...failing, ...forbidding], failed: true }
  const allowed = forbidding.length === 0 && (!needsPermit || said.some(({ permits }) => permits))
  return allowed ? { allowed } : { allowed, policies: forbidding, failed: false }
}

/**
 * Of the claims that are no lists, the one string that each is, so that `like` works on it. A list
 * has none, also one of a single element: another token may have two.
 */
function singles(
  sets: Readonly<Record<string, readonly string[]>>,
  claims: Record<string, unknown>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(sets).flatMap(([name, [text]]) =>
      text === undefined || Array.isArray(claimAt(claims, name)) ? [] : [[name, text]],
    ),
  )
}

/**
 * Claims as tags, sets of strings: the texts by which agents' rules compare them too.
 * Claims that no policy reads are left out, because each costs as much as two policies.
 */
function claimTags(
  claims: Record<string, unknown>,
  read: ReadonlySet<string> | 'all',
): Record<string, string[]> {
  const tags: [string, string[]][] = []
  // A name that begins with a slash points to what stands inside a claim (RFC 6901).
  const inside = read === 'all' ? [] : [...read].filter((name) => name.startsWith('/'))
  const named = [...Object.entries(claims), ...inside.map((name) => [name, claimAt(claims, name)] as const)]
  for (const [name, claim] of named) {
    if (read !== 'all' && !read.has(name)) continue
    const texts = claimTexts(claim)
    if (Array.isArray(claim) || texts.length > 0) tags.push([name, texts])
  }
  return Object.fromEntries(tags)
}

import { z } from 'zod'
import { agentFile, type Agent } from '../agents/agent.ts'
import { ambiguities } from '../agents/ambiguous.ts'
import { isReviewed } from '../agents/review-date.ts'
import { type MatchRule, matchRule } from '../agents/match.ts'
import { mustBeVerified } from '../agents/owner.ts'
import { tenancyFault } from '../agents/tenancy.ts'
import type { Admins } from '../control/admins.ts'
import type { Issuer } from '../identity/issuer.ts'
import { limits } from './files.ts'
import { readDirectory, type Reading } from './loading.ts'
import { dotted, meant, parse, type Path } from './parse.ts'
import { readYaml } from './yaml.ts'

/** An issuer of the configuration; its URL is not known where its entry is faulty. */
export type KnownIssuers = ReadonlyMap<string, Issuer | undefined>

/** An agent and where it is written. */
export interface WrittenAgent {
  agent: Agent
  file: string
}

/** What an agent file says of the agent, as far as it can be read. */
export type Sketch = { file: string } & Partial<Pick<Agent, 'name' | 'owner' | 'environment'>>

/** Reads and compiles every agent file of `directory`. `sketches` has one for each file, also a faulty one. */
export async function compileAgents(
  directory: string | undefined,
  issuers: KnownIssuers,
  reading: Reading,
): Promise<{ written: WrittenAgent[]; sketches: Sketch[] }> {
  const { faults, clock } = reading
  const agents = new Map<string, WrittenAgent>()
  const sketches: Sketch[] = []
  for await (const { file, text } of readDirectory('agents', directory, '.yaml', limits.agent, reading)) {
    const yaml = readYaml(text, file)
    faults.push(...yaml.faults)
    const agent = yaml.value && parse(agentFile, yaml.value, { file, faults })
    sketches.push({ file, ...sketchOf(yaml.value) })
    // Whatever else is wrong with its file, its rules are looked at.
    rulesIn(yaml.value).forEach((rule, index) => {
      if (rule) checkRule(rule, issuers, { file, at: ['match', index], faults })
    })
    if (!agent) continue
    const same = agents.get(agent.name)
    if (same)
      faults.push({
        file,
        path: 'name',
        message: `${same.file} names its agent ${agent.name} too`,
        remedy: 'Choose another name; one agent may have several rules under `match`.',
      })
    else agents.set(agent.name, { agent, file })
    agent.match.forEach(({ issuer }, index) => {
      if (agent.reopen || !issuers.get(issuer) || issuers.get(issuer)?.session) return
      faults.push({
        file,
        path: dotted(['match', index, 'issuer']),
        message: `is not known to name sessions, and with \`reopen: false\` a token that names none opens nothing`,
        remedy: `Write in \`session\` of ${issuer} the claims that name one run, unless they are those of a platform.`,
        warning: true,
      })
    })
    if (!isReviewed(agent, clock.now()))
      faults.push({
        file,
        path: 'review_by',
        message: 'has passed, and the requests of this agent are refused',
        remedy: 'Review the agent, then write the date of the next review.',
        warning: true,
      })
  }
  const written = [...agents.values()]
  for (const { agent, at, others } of ambiguities(written.map(({ agent }) => agent)))
    faults.push({
      file: agents.get(agent.name)!.file,
      path: dotted(['match', at]),
      message: `a token that matches this may match ${listed(others)} too, and its holder can then be either`,
      remedy: 'Name a subject or claim that tells them apart.',
      warning: true,
    })
  return { written, sketches }
}

function sketchOf(value: Record<string, unknown> = {}): Omit<Sketch, 'file'> {
  const { name, owner, environment } = sketch.parse(value)
  return {
    ...(name !== undefined && { name }),
    ...(owner !== undefined && { owner }),
    ...(environment !== undefined && { environment }),
  }
}

const text = z.string().optional().catch(undefined)
const sketch = z.object({
  name: text,
  environment: text,
  owner: z
    .union([z.string(), z.object({ claim: z.string() })])
    .optional()
    .catch(undefined),
})

function rulesIn(value: Record<string, unknown> = {}): (MatchRule | undefined)[] {
  const { match } = value
  return Array.isArray(match) ? match.map((rule) => matchRule.safeParse(rule).data) : []
}

/** Four eyes hold a human against the owner: of one that nobody's token shows, everybody is another. */
export function checkOwners(written: readonly WrittenAgent[], admins: Admins, { faults }: Reading): void {
  for (const { agent, file } of written)
    if (typeof agent.owner !== 'string') {
      const { claim } = agent.owner
      const warn = (message: string, remedy: string) =>
        faults.push({ file, path: 'owner.claim', message, remedy, warning: true })
      if (!isShownByAdmins(claim))
        warn(
          'may name people otherwise than admins show themselves, by a verified `email` or a `sub`: whoever it is could approve for their own agent',
          'Write `owner: { claim: email }`, or `sub`.',
        )
      if (!isSubject(claim) && !mustBeVerified(claim))
        warn(
          'is believed as it is, and nothing has to say that it was verified: whoever may set it at the issuer is whom they like',
          'Write `owner: { claim: email }`, which counts only where it was verified, or `sub`; leave it where only the issuer or its administrators set this claim.',
        )
    } else if (!admins.couldShow(agent.owner))
      faults.push({
        file,
        path: 'owner',
        message:
          'is what no admin who may approve or resume shows with their token: whoever it is could approve for their own agent',
        remedy: 'Name one person and no team, by the verified `email` or the `sub` that their token shows.',
        warning: true,
      })
}

/** An admin is held against an owner by these; a claim that is called an email holds one (`requesting_user_email`). */
function isShownByAdmins(claim: string): boolean {
  return isSubject(claim) || /(^|[/_-])email$/.test(claim)
}

function isSubject(claim: string): boolean {
  return /^\/?sub$/.test(claim)
}

/** The first few by name. */
function listed(names: readonly string[]): string {
  const shown = 3
  const more = names.length > shown ? ` and ${names.length - shown} more` : ''
  return names.slice(0, shown).join(', ') + more
}

/** What a rule of an agent or an admin must satisfy beyond its form. */
export function checkRule(
  rule: MatchRule,
  issuers: KnownIssuers,
  place: { file: string; at: Path; faults: Reading['faults'] },
): void {
  const { file, at, faults } = place
  if (!issuers.has(rule.issuer)) {
    faults.push({
      file,
      path: dotted([...at, 'issuer']),
      message: 'is not the name of an issuer of the configuration',
      remedy: meant(rule.issuer, [...issuers.keys()]),
    })
    return
  }
  const issuer = issuers.get(rule.issuer)
  const wide = issuer?.tenancy && tenancyFault(issuer.tenancy, issuer.platform, rule)
  if (wide) faults.push({ file, path: dotted(at), ...wide })
}

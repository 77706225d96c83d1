/** All trust policies of a directory as agents, and those that cannot be. */
import { z } from 'zod'
import { platformAt } from '../../identity/platforms.ts'
import { readYaml } from '../../config/yaml.ts'
import type { Found } from './find.ts'
import { Inexpressible, patternsOf } from './regexp.ts'
import { type Place, translate, type Translated } from './trust-policy.ts'

export interface Imported extends Translated {
  place: Place
  agent: string
}

/** What is left out as a whole, and why. */
export interface Listed {
  file: string
  reason: string
}

export interface Import {
  imported: Imported[]
  listed: Listed[]
  /** Every issuer of the rules: its name in them by its URL. */
  issuers: Map<string, string>
}

interface Known {
  /** Names by URL, of a configuration that there is. */
  issuers: ReadonlyMap<string, string>
  /** Names of agents that are taken. */
  agents: ReadonlySet<string>
  /** The host of the broker, which is the audience of policies that name none. */
  domain: string | undefined
}

export function translateAll(policies: Found[], issuerLists: Found[], known: Known): Import {
  const listed: Listed[] = []
  const leave = (file: string, reason: string) => void listed.push({ file, reason })
  const allowed = allowances(issuerLists)
  const translated = policies.flatMap(({ file, text, place }) => {
    if (!place) {
      leave(file, 'whose repository it is, is not known: name it with --repository OWNER/REPO')
      return []
    }
    const { value, faults } = readYaml(text, file)
    if (!value) {
      leave(file, faults.map(({ message }) => message).join('; '))
      return []
    }
    try {
      const policy = translate(value, place, known.domain)
      const refused = policy.rules.find(
        ({ issuer }) => allowed.get(place.owner.toLowerCase())?.(issuer) === false,
      )
      if (!refused) return [{ ...policy, place }]
      leave(file, `issuer: ${refused.issuer} is not among the trusted issuers of ${place.owner}`)
    } catch (error) {
      if (!(error instanceof Inexpressible)) throw error
      leave(file, error.message)
    }
    return []
  })
  // Of an issuer whose tokens are taken for several audiences, those that name none would get more.
  const mixed = known.domain === undefined && translated.some(({ audiences }) => audiences !== undefined)
  const sound = translated.filter(({ audiences, place }) => {
    if (!mixed || audiences !== undefined) return true
    leave(place.file, 'names no audience, while others do: say the address of the broker with --url')
    return false
  })
  const names = agentNames(
    sound.map(({ place }) => place),
    known.agents,
  )
  const imported = sound.map((policy, at) => ({ ...policy, agent: names[at]! }))
  const urls = new Set(imported.flatMap(({ rules }) => rules.map(({ issuer }) => issuer)))
  return { imported, listed, issuers: issuerNames([...urls], known.issuers) }
}

const issuerList = z.strictObject({
  mode: z.enum(['enforce', 'audit']).default('enforce'),
  issuers: z.array(z.string()).default([]),
  issuer_patterns: z.array(z.string()).default([]),
})

/** Whether an owner trusts an issuer, of those owners that say so. What cannot be read trusts none. */
function allowances(lists: Found[]): Map<string, (issuer: string) => boolean> {
  return new Map(
    lists.flatMap(({ file, text, place }) => {
      if (place?.repository !== '.github') return []
      const parsed = issuerList.safeParse(readYaml(text, file).value)
      if (parsed.data?.mode === 'audit') return []
      const exact = new Set(
        parsed.data && [...parsed.data.issuers, ...parsed.data.issuer_patterns.flatMap(exactTexts)],
      )
      return [[place.owner.toLowerCase(), (issuer: string) => exact.has(issuer)] as const]
    }),
  )
}

function exactTexts(pattern: string): string[] {
  try {
    return patternsOf(pattern).patterns.filter((text) => !text.includes('*'))
  } catch (error) {
    if (error instanceof Inexpressible) return []
    throw error
  }
}

/** The name of each file, with repository and owner before it as far as is needed to tell them apart. */
function agentNames(places: readonly Place[], taken: ReadonlySet<string>): string[] {
  const forms = places.map(({ owner, repository, identity }) =>
    [identity, `${repository}-${identity}`, `${owner}-${repository}-${identity}`].map(asName),
  )
  const used = new Set([...taken].map((name) => name.toLowerCase()))
  const times = (name: string, form: number) =>
    forms.filter((each) => each[form]!.toLowerCase() === name.toLowerCase()).length
  return forms.map((each) => {
    const free = each.find((name, form) => times(name, form) === 1 && !used.has(name.toLowerCase()))
    const name = free ?? numbered(each.at(-1)!, used)
    used.add(name.toLowerCase())
    return name
  })
}

function numbered(name: string, used: ReadonlySet<string>): string {
  for (let number = 2; ; number++) {
    const candidate = `${name.slice(0, 60)}-${number}`
    if (!used.has(candidate.toLowerCase())) return candidate
  }
}

/** As an agent may be called. */
function asName(text: string): string {
  const plain = text.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return (plain === '' ? 'policy' : plain).slice(0, 64)
}

function issuerNames(urls: readonly string[], known: ReadonlyMap<string, string>): Map<string, string> {
  const names = new Map<string, string>()
  const used = new Set(known.values())
  for (const url of urls) {
    const own = platformAt(url)?.preset ?? asName(url.replace(/^https:\/\//, ''))
    const name = known.get(url) ?? (used.has(own) ? numbered(own, used) : own)
    used.add(name)
    names.set(url, name)
  }
  return names
}

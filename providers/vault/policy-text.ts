/** Policies of Vault's own, as it shows them: HCL or JSON ("Policies", "Policy syntax"). */
import { z } from 'zod'

/** What a policy lets be done at the paths that fit a pattern. */
export interface Rule {
  path: string
  capabilities: string[]
}

type Value = string | Value[] | Item[]
/** `key "label" = value` or `key "label" { … }`. */
interface Item {
  keys: string[]
  value: Value
}

/** @throws Error for what is no policy */
export function rulesIn(text: string): Rule[] {
  return text.trimStart().startsWith('{') ? jsonRules(JSON.parse(text)) : hclRules(text)
}

function hclRules(text: string): Rule[] {
  return body(tokensOf(text), 'end').flatMap(({ keys: [kind, path], value }) => {
    if (kind !== 'path') return []
    if (path === undefined || !isBlock(value)) throw new Error('a path without its block')
    const named = (name: string) => value.find(({ keys }) => keys[0] === name)?.value
    return [ruleOf(path, { capabilities: named('capabilities'), policy: named('policy') })]
  })
}

/** An object, or a list of objects that stand for one. */
const together = <Item>(item: z.ZodType<Item>) =>
  z
    .union([z.record(z.string(), item), z.array(z.record(z.string(), item))])
    .transform((given) =>
      Array.isArray(given) ? given.flatMap(Object.entries<Item>) : Object.entries<Item>(given),
    )
const jsonPolicy = z.object({
  path: together(
    z.object({ capabilities: z.array(z.string()).optional(), policy: z.string().optional() }),
  ).optional(),
})

function jsonRules(given: unknown): Rule[] {
  return (jsonPolicy.parse(given).path ?? []).map(([path, rule]) => ruleOf(path, rule))
}

/** `policy`, from before there were capabilities. */
const abbreviated: Record<string, string[]> = {
  deny: ['deny'],
  read: ['read', 'list'],
  write: ['create', 'read', 'update', 'delete', 'list'],
  sudo: ['create', 'read', 'update', 'delete', 'list', 'sudo'],
}

function ruleOf(path: string, { capabilities, policy }: { capabilities?: unknown; policy?: unknown }): Rule {
  const named = z.array(z.string()).parse(capabilities ?? [])
  return { path, capabilities: [...named, ...(abbreviated[String(policy)] ?? [])] }
}

function isBlock(value: Value): value is Item[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'object' && 'keys' in each)
}

interface Token {
  kind: 'text' | 'symbol' | 'end'
  text: string
}

const forms = [
  /(?<space>\s+|(?:#|\/\/)[^\n]*|\/\*[^]*?\*\/)/,
  /"(?<quoted>(?:[^"\\\n]|\\.)*)"/,
  /<<-?(?<mark>\w+)\n(?<lines>[^]*?)\n[^\S\n]*\k<mark>(?=\n|$)/,
  /(?<word>[\w.+-]+)/,
  /(?<symbol>[{}[\]=,:])/,
]
const form = new RegExp(forms.map(({ source }) => source).join('|'), 'y')

function* tokensOf(text: string): Generator<Token, never> {
  const scanner = new RegExp(form)
  while (scanner.lastIndex < text.length) {
    const { groups } = scanner.exec(text) ?? {}
    if (!groups) throw new Error('a character that has no place here')
    const { space, quoted, lines, word, symbol } = groups
    if (symbol !== undefined) yield { kind: 'symbol', text: symbol }
    else if (space === undefined)
      yield { kind: 'text', text: quoted?.replaceAll(/\\(.)/g, '$1') ?? lines ?? word! }
  }
  for (;;) yield { kind: 'end', text: 'end' }
}

type Tokens = Generator<Token, never>

/** Items up to `close`, which is read too. */
function body(tokens: Tokens, close: 'end' | '}'): Item[] {
  const items: Item[] = []
  let keys: string[] = []
  for (;;) {
    const { kind, text } = tokens.next().value
    if (kind === 'text') keys.push(text)
    else if (text === close && keys.length === 0) return items
    else if (text === '{') {
      items.push({ keys, value: body(tokens, '}') })
      keys = []
    } else if ((text === '=' || text === ':') && keys.length > 0) {
      items.push({ keys, value: valueFrom(tokens, tokens.next().value) })
      keys = []
    } else if (text !== ',' || keys.length > 0) throw new Error(`${text} has no place here`)
  }
}

function valueFrom(tokens: Tokens, { kind, text }: Token): Value {
  if (kind === 'text') return text
  if (text === '{') return body(tokens, '}')
  if (text !== '[') throw new Error(`${text} is no value`)
  const values: Value[] = []
  for (;;) {
    const next = tokens.next().value
    if (next.text === ']' && next.kind === 'symbol') return values
    if (next.text !== ',' || next.kind !== 'symbol') values.push(valueFrom(tokens, next))
  }
}

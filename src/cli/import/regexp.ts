/**
 * Regular expressions (RE2) as the patterns of an agent's rules: texts with `*` and `**`. Whatever
 * matches one of the patterns matches the expression as a whole, never the other way round.
 */

export interface Expanded {
  patterns: string[]
  /** What the expression lets in and the patterns do not, a line each. */
  narrowed: string[]
}

export class Inexpressible extends Error {}

/** One character, or a wildcard. */
type Part = string | typeof segment | typeof deep
/** What stands in a row; of several the value is one. */
type Row = readonly Part[]

const segment = Symbol('*')
const deep = Symbol('**')

/** The most that a claim may be, and that an agent may have rules. */
const most = 100

/** How many colons `.+` may reach over where the text has any: the parts of a subject. */
const mostColons = 3

/**
 * `colons`: whether what it matches has parts with colons between them, as subjects have, which no
 * wildcard reaches over.
 *
 * @throws Inexpressible
 */
export function patternsOf(expression: string, { colons = false } = {}): Expanded {
  const parser = new Parser(expression, colons)
  const rows = parser.whole()
  const narrowed = parser.narrowed
  const sound = rows.filter((row) => {
    const reason = unfit(row)
    if (reason !== undefined) narrowed.add(reason)
    return reason === undefined
  })
  if (sound.length === 0) throw new Inexpressible([...narrowed].join('; ') || 'matches nothing')
  return { patterns: [...new Set(sound.map(textOf))], narrowed: [...narrowed] }
}

/** An exact value as a pattern. @throws Inexpressible where it holds what is a wildcard there. */
export function exactly(text: string): string {
  if (text.includes('*')) throw new Inexpressible('a star in a value would be a wildcard')
  return text
}

function unfit(row: Row): string | undefined {
  if (row.length === 0) return 'an empty value is left out'
  if (row.includes('*')) return 'a star in a value would be a wildcard'
  if (row.some((part, at) => isWildcard(part) && isWildcard(row[at + 1])))
    return 'two wildcards beside each other are left out'
  return undefined
}

function textOf(row: Row): string {
  return row.map((part) => (part === deep ? '**' : part === segment ? '*' : String(part))).join('')
}

function isWildcard(part: Part | undefined): boolean {
  return typeof part === 'symbol'
}

/** What one character of the expression stands for. */
interface Atom {
  /** The texts that it can be; undefined for a set too large to be written out. */
  rows: Row[] | undefined
  /** What it is when repeated: a wildcard that matches no more than it does. */
  wildcard?: typeof segment | typeof deep
  /** As it is written. */
  text: string
}

class Parser {
  readonly narrowed = new Set<string>()
  readonly #text: string
  readonly #colons: boolean
  #at = 0

  constructor(text: string, colons: boolean) {
    this.#text = text
    this.#colons = colons
  }

  whole(): Row[] {
    const rows = this.#alternatives(0)
    if (this.#at < this.#text.length) throw new Inexpressible(`a ) without its (`)
    return rows
  }

  #alternatives(depth: number): Row[] {
    const rows = this.#row(depth)
    while (this.#take('|')) rows.push(...this.#row(depth))
    return few(rows)
  }

  #row(depth: number): Row[] {
    let rows: Row[] = [[]]
    // The whole value is matched: what only says so once more is nothing.
    if (depth === 0) this.#take('^')
    while (this.#at < this.#text.length && !'|)'.includes(this.#next)) {
      if (depth === 0 && this.#next === '$' && /^\$(\||$)/.test(this.#text.slice(this.#at))) {
        this.#at += 1
        break
      }
      const options = this.#repeated(this.#atom(depth))
      rows = few(rows.flatMap((row) => options.map((option) => [...row, ...option])))
    }
    return rows
  }

  #repeated(atom: Atom): Row[] {
    const [written] = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(this.#text.slice(this.#at)) ?? ['']
    this.#at += written.length
    if (/^[*+?{]/.test(this.#text.slice(this.#at)) && written !== '')
      throw new Inexpressible(`${atom.text}${written} repeated again`)
    const { least, greatest } = timesOf(written)
    if (greatest === Infinity) return this.#endless(atom, least, written)
    if (!atom.rows) {
      if (atom.text === '.' && least === 1 && greatest === 1) {
        this.narrowed.add('`.` is taken for a full stop, and no other character')
        return [['.']]
      }
      throw new Inexpressible(`${atom.text}${written} is any of many characters`)
    }
    const rows: Row[] = []
    let power: Row[] = [[]]
    for (let times = 0; times <= greatest; times++) {
      if (times >= least) rows.push(...power)
      if (times < greatest) power = few(power.flatMap((row) => atom.rows!.map((more) => [...row, ...more])))
    }
    return few(rows)
  }

  /** `+` and `*`: what a wildcard takes, and no more. */
  #endless({ wildcard, text }: Atom, least: number, written: string): Row[] {
    if (wildcard === undefined || least > 1)
      throw new Inexpressible(`${text}${written} is said by no wildcard`)
    const rows: Row[] = least === 0 ? [[]] : []
    if (wildcard === segment) {
      if (!/:/.test(text)) this.narrowed.add(`${text}${written} is taken for what has no colon either`)
      return [...rows, [segment]]
    }
    rows.push([deep])
    if (/:/.test(text)) return rows
    const parts = this.#colons ? mostColons : 0
    for (let colons = 1; colons <= parts; colons++)
      rows.push([deep, ...Array.from({ length: colons }, () => [':', deep] as const).flat()])
    this.narrowed.add(
      parts === 0
        ? `${text}${written} is taken for what has no colon`
        : `${text}${written} is taken for what has at most ${parts} colons, and something between them`,
    )
    return rows
  }

  #atom(depth: number): Atom {
    const start = this.#at
    const character = this.#next
    this.#at += character.length
    const text = () => this.#text.slice(start, this.#at)
    if (character === '(') return { rows: this.#group(depth), text: text() }
    if (character === '[') return this.#set(start)
    if (character === '.') return { rows: undefined, wildcard: deep, text: '.' }
    if (character === '\\') return this.#escaped(start)
    if ('*+?{}^$]'.includes(character)) throw new Inexpressible(`${character} where it stands`)
    return { rows: [[character]], text: character }
  }

  #group(depth: number): Row[] {
    if (this.#text[this.#at] === '?') {
      const [named] = /^\?(?::|P?<[A-Za-z_]\w*>)/.exec(this.#text.slice(this.#at)) ?? []
      if (named === undefined) throw new Inexpressible(`(${this.#text.slice(this.#at, this.#at + 3)}…`)
      this.#at += named.length
    }
    const rows = this.#alternatives(depth + 1)
    if (!this.#take(')')) throw new Inexpressible('a ( without its )')
    return rows
  }

  #escaped(start: number): Atom {
    const character = this.#next
    this.#at += character.length
    const text = this.#text.slice(start, this.#at)
    if (character === 'd') return { rows: Array.from('0123456789', (digit) => [digit]), text }
    if (character === '' || /[A-Za-z0-9]/.test(character)) throw new Inexpressible(text)
    return { rows: [[character]], text }
  }

  #set(start: number): Atom {
    const [written, negated = '', members = ''] =
      /^\[(\^?)((?:\\[^]|[^\]\\[])+)\]/.exec(this.#text.slice(start)) ?? []
    if (written === undefined) throw new Inexpressible(`the set at ${start + 1}`)
    this.#at = start + written.length
    const characters = membersOf(members)
    if (!negated) {
      if (!characters || characters.length > most) return { rows: undefined, text: written }
      return { rows: characters.map((each) => [each]), text: written }
    }
    // A wildcard takes no separator, and a rule's claim has no line break (`strict_claims`).
    const taken = characters?.filter((each) => !['\n', '\r', '\t'].includes(each))
    if (taken?.every((each) => each === ':')) return { rows: undefined, wildcard: deep, text: written }
    if (taken?.every((each) => each === ':' || each === '/'))
      return { rows: undefined, wildcard: segment, text: written }
    return { rows: undefined, text: written }
  }

  get #next(): string {
    const point = this.#text.codePointAt(this.#at)
    return point === undefined ? '' : String.fromCodePoint(point)
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }
}

/** The members of a set; undefined where there is one that is not understood. */
function membersOf(written: string): string[] | undefined {
  const tokens = written.match(/\\[^]|[^]/gu) ?? []
  const plain = tokens.map((token) => {
    if (!token.startsWith('\\')) return token
    if (token === '\\n') return '\n'
    if (token === '\\r') return '\r'
    if (token === '\\t') return '\t'
    return /[A-Za-z0-9]/.test(token[1]!) ? undefined : token.slice(1)
  })
  const members: string[] = []
  for (let at = 0; at < tokens.length; at++) {
    const [first, last] = [plain[at], plain[at + 2]]
    if (first === undefined) return undefined
    if (tokens[at + 1] !== '-' || at + 2 >= tokens.length) {
      members.push(first)
      continue
    }
    if (last === undefined) return undefined
    const [from, to] = [first.codePointAt(0)!, last.codePointAt(0)!]
    if (to < from || to - from > 255) return undefined
    for (let point = from; point <= to; point++) members.push(String.fromCodePoint(point))
    at += 2
  }
  return members
}

function timesOf(written: string): { least: number; greatest: number } {
  const quantifier = written.replace(/(?<=.)\?$/, '')
  if (quantifier === '') return { least: 1, greatest: 1 }
  if (quantifier === '?') return { least: 0, greatest: 1 }
  if (quantifier === '+') return { least: 1, greatest: Infinity }
  if (quantifier === '*') return { least: 0, greatest: Infinity }
  const [, least = '', comma = '', greatest = ''] = /^\{(\d+)(,?)(\d*)\}$/.exec(quantifier) ?? []
  if (comma === '') return { least: Number(least), greatest: Number(least) }
  return { least: Number(least), greatest: greatest === '' ? Infinity : Math.min(Number(greatest), 1000) }
}

function few(rows: Row[]): Row[] {
  if (rows.length > most) throw new Inexpressible(`is more than ${most} values`)
  return rows
}

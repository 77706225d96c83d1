/**
 * What tells that rows are missing, too many, or older than they should be: the sum of all
 * their MACs. A MAC goes into it as a number that only the seal key gives, and the sums are
 * sealed where they are stored: whoever knew both could look for other rows with the same sum.
 */
import type { Seal } from '../base/seal.ts'
import { isOpen, keepsTheOver, type SealedTable, sealingOf } from './sealed-tables.ts'
import type { StoredRow } from './statements.ts'
import { WorkedOut } from './worked-out.ts'

/** How many rows, and their sum modulo 2^256, hex. Empty where nobody can tell: their key is lost. */
export type Sum = readonly [rows: number, sum: string]
/** By `TABLE KEY`, and for the open ones of a table that has such, `TABLE open KEY`. */
export type Sums = Readonly<Record<string, Sum>>

/** Of a sum: what goes beyond them is left out. */
const bits = 256

export class RowSums {
  readonly #seal: Seal
  readonly #sums: Map<string, { rows: number; sum: bigint }>
  /** Numbers of rows by their MACs, where works go on from each other's sums: a row that one has just written is often the next that is changed. */
  #numbers: Map<SealedTable, WorkedOut<bigint>> | undefined
  #changed = false

  constructor(seal: Seal, sums: Sums | RowSums = {}) {
    this.#seal = seal
    if (sums instanceof RowSums) this.#numbers = sums.#numbers ??= new Map<SealedTable, WorkedOut<bigint>>()
    this.#sums = new Map(
      sums instanceof RowSums
        ? sums.#sums
        : Object.entries(sums).map(([name, [rows, sum]]) => [name, { rows, sum: BigInt(`0x${sum || 0}`) }]),
    )
  }

  /** Whether anything was added or removed since it was made. */
  get changed(): boolean {
    return this.#changed
  }

  /** The row is there from now on. */
  add(table: SealedTable, row: StoredRow): void {
    this.#count(table, row, 1)
  }

  /** The row, as it was added, is there no longer. */
  remove(table: SealedTable, row: StoredRow): void {
    this.#count(table, row, -1)
  }

  /** The seal keys under which there are rows of which none is over. */
  keys(): string[] {
    const names = [...this.#sums].filter(([, { rows }]) => rows > 0).map(([name]) => name.split(' '))
    const lasting = names.filter(([table, ...rest]) => rest.length > 1 || !keepsTheOver.includes(table!))
    return [...new Set(lasting.map((name) => name.at(-1)!))]
  }

  /** Whether there are rows of the table, or open ones where those are summed up, that are not under the seal key that is current. */
  isBehind(table: SealedTable): boolean {
    const set = sealingOf(table).open ? `${table} open ` : `${table} `
    return [...this.#sums].some(
      ([name, { rows }]) => rows > 0 && name.startsWith(set) && name !== set + this.#seal.current,
    )
  }

  toJSON(): Sums {
    const sums = [...this.#sums].filter(([, { rows }]) => rows !== 0)
    return Object.fromEntries(sums.map(([name, { rows, sum }]) => [name, [rows, sum.toString(16)]]))
  }

  #count(table: SealedTable, row: StoredRow, by: 1 | -1): void {
    this.#changed = true
    const { row_mac: mac } = row
    const key = keyOfMac(mac)
    const number = this.#seal.has(key) ? this.#numberOf(table, key, mac as string) : 0n
    this.#move(`${table} ${key}`, number, by)
    if (isOpen(table, row)) this.#move(`${table} open ${key}`, number, by)
  }

  #move(name: string, number: bigint, by: 1 | -1): void {
    const { rows, sum } = this.#sums.get(name) ?? { rows: 0, sum: 0n }
    const moved = BigInt.asUintN(bits, by === 1 ? sum + number : sum - number)
    this.#sums.set(name, { rows: rows + by, sum: moved })
  }

  #numberOf(table: SealedTable, key: string, mac: string): bigint {
    let numbers = this.#numbers?.get(table)
    const known = numbers?.get(mac)
    if (known !== undefined) return known
    const number = numberOf(this.#seal, table, key, mac)
    if (this.#numbers && !numbers) this.#numbers.set(table, (numbers = new WorkedOut(this.#seal, 1_000)))
    numbers?.set(mac, number)
    return number
  }
}

/** The id of the seal key under which a row's MAC was made; empty for what is none. */
export function keyOfMac(mac: unknown): string {
  return typeof mac === 'string' ? mac.slice(0, Math.max(0, mac.indexOf('.'))) : ''
}

function numberOf(seal: Seal, table: SealedTable, key: string, mac: string): bigint {
  const number = seal.mac('row sum', `${table} ${mac}`, key).mac
  return BigInt(`0x${Buffer.from(number, 'base64url').toString('hex')}`)
}

/** What tells whether two brokers run with the same configuration, without saying anything of it (docs/decisions/0041). */
import { canonicalize } from '../base/canonical.ts'
import { sha256 } from '../base/sha256.ts'

/** Settings of the machine that a broker runs on, which say nothing of what it grants. */
const ownSettings = ['listen', 'tls', 'store', 'audit', 'trusted_proxies']

/** As many hexadecimal digits as anybody compares. */
const digits = 16

export class Digest {
  readonly #texts = new Map<string, string>()
  #settings: Record<string, unknown> = {}

  /** A file that the configuration is made of. */
  add(name: string, text: string): void {
    this.#texts.set(name, sha256(text))
  }

  /** Its settings, as they are written: of secrets they say only where those stand. */
  addSettings(written: Record<string, unknown>): void {
    const shared = Object.entries(written).filter(([key]) => !ownSettings.includes(key))
    this.#settings = Object.fromEntries(shared)
  }

  /** To be called where no fault was found: settings that are none may have no text. */
  toString(): string {
    const named = [...this.#texts].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return sha256(JSON.stringify([canonicalize(this.#settings), named])).slice(0, digits)
  }
}

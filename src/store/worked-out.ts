/** What was worked out with the seal's keys, kept for as long as they are in force. */
import type { Seal } from '../base/seal.ts'

/** By a text that tells each; all are forgotten at once where there are too many, or the keys are others. */
export class WorkedOut<Value> {
  readonly #seal: Seal
  readonly #most: number
  readonly #values = new Map<string, Value>()
  #keys: Seal['keys']

  constructor(seal: Seal, most: number) {
    this.#seal = seal
    this.#most = most
    this.#keys = seal.keys
  }

  get(text: string): Value | undefined {
    return this.#keys === this.#seal.keys ? this.#values.get(text) : undefined
  }

  set(text: string, value: Value): void {
    if (this.#keys !== this.#seal.keys || this.#values.size >= this.#most) this.#values.clear()
    this.#keys = this.#seal.keys
    this.#values.set(text, value)
  }
}

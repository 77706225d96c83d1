/** HMAC-SHA-256 (RFC 2104) of text, made of the two hashes that it is: Node's own makes an object for each, which takes twice as long (docs/decisions/0065). */
import { hash } from 'node:crypto'

/** Of SHA-256, in bytes. */
const [blockBytes, hashBytes] = [64, 32]
const [innerPad, outerPad] = [0x36, 0x5c]

/** What is hashed is put together here, where it is no longer than most rows. */
const room = Buffer.alloc(blockBytes + 4_096)

/** MACs under one key, at most as long as a block, as base64url. */
export class Hmac {
  readonly #inner: Buffer
  /** With room for the inner hash behind it. */
  readonly #outer: Buffer

  constructor(key: Uint8Array) {
    if (key.length > blockBytes) throw new RangeError(`a key has at most ${blockBytes} bytes`)
    this.#inner = padded(key, innerPad)
    this.#outer = Buffer.concat([padded(key, outerPad)], blockBytes + hashBytes)
  }

  of(text: string): string {
    // No character has more than three bytes for each of its code units.
    const into =
      blockBytes + 3 * text.length <= room.length ? room : Buffer.alloc(blockBytes + 3 * text.length)
    this.#inner.copy(into)
    const end = blockBytes + into.write(text, blockBytes, 'utf8')
    this.#outer.write(hash('sha256', into.subarray(0, end), 'binary'), blockBytes, 'latin1')
    return hash('sha256', this.#outer, 'base64url')
  }
}

function padded(key: Uint8Array, pad: number): Buffer {
  return Buffer.concat([key], blockBytes).map((byte) => byte ^ pad) as Buffer
}

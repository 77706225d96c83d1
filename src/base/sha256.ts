import { hash } from 'node:crypto'

/** SHA-256 of UTF-8 text, hex. Secrets of 128 random bits and more are stored as this: it needs no salt. */
export function sha256(text: string): string {
  return hash('sha256', text)
}

/** Certificate authorities of one's own. */
import { X509Certificate } from 'node:crypto'
import { Agent, fetch as fetchWith } from 'undici'
import { limits, readText, Unreadable } from './files.ts'

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** How to reach an upstream whose certificate a CA of one's own has signed. */
export interface Trust {
  fetch: typeof globalThis.fetch
  /** PEM, for what brings its own HTTP client. */
  ca: string
}

/**
 * Trust in the certificates of the PEM file `path` and no others: with a CA of
 * one's own, a public one must not be able to speak for the host.
 *
 * @throws Unreadable
 */
export function trusting(path: string): Trust {
  const ca = readText(path, limits.secret).match(certificate) ?? []
  try {
    ca.forEach((pem) => new X509Certificate(pem))
  } catch {
    ca.length = 0
  }
  if (ca.length === 0)
    throw new Unreadable('holds no certificates, or a broken one', 'Name a file of PEM certificates.')
  const dispatcher = new Agent({ connect: { ca } })
  // The platform's own fetch is the same code with types of its own.
  const bound = ((input: string | URL, init?: object) =>
    fetchWith(input, { ...init, dispatcher })) as typeof globalThis.fetch
  return { fetch: bound, ca: ca.join('\n') }
}

/** Reads the CA files that `ca` and `--ca` name. */
import { X509Certificate } from 'node:crypto'
import { limits, readText, Unreadable } from './files.ts'

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * The certificates in the PEM file `path`.
 *
 * @throws Unreadable
 */
export function readAuthorities(path: string): string[] {
  const found = readText(path, limits.secret).match(certificate) ?? []
  try {
    found.forEach((pem) => new X509Certificate(pem))
  } catch {
    found.length = 0
  }
  if (found.length === 0)
    throw new Unreadable('holds no certificates, or a broken one', 'Name a file of PEM certificates.')
  return found
}

import { accessSync, constants } from 'node:fs'
import type { Finding } from '../../provider/upstream.ts'

/** What was looked at, and what was found there. */
export interface Check extends Finding {
  /** `store`, `issuer github-actions`, `connection github/acme`, … */
  check: string
}

/** Milliseconds that one look at something remote may take. */
export const lookWithinMs = 10_000

/** Whether this user may write the file, or in the directory. */
export function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

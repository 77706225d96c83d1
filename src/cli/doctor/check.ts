import type { Finding } from '../../provider/upstream.ts'

/** What was looked at, and what was found there. */
export interface Check extends Finding {
  /** `store`, `issuer github-actions`, `connection github/acme`, … */
  check: string
}

/** Milliseconds that one look at something remote may take. */
export const lookWithinMs = 10_000

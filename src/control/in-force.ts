/** The configuration that is in force, as far as requests are concerned. */
import type { Rules } from '../tasks/context.ts'
import type { Admins } from './admins.ts'

/** Immutable: a request takes one when it begins and keeps it to the end. */
export interface InForce {
  /** The public origin, `https://mayfly.acme.dev`. */
  url: string
  rules: Rules
  admins: Admins
  limits: { bodyBytes: number }
}

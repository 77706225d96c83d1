/** A token is held against the configuration of a broker, which no client can read. */
import type * as broker from '../../src/cli/whoami/held.ts'
import { Failure } from '../../src/cli/failure.ts'

export const heldAgainst: typeof broker.heldAgainst = () =>
  Promise.reject(
    new Failure(
      'failed',
      'a token is held against a configuration where the broker is installed, and this is the client alone',
      'Run it there, with the package `mayfly-broker`; `mayfly whoami` elsewhere tells who is logged in.',
    ),
  )

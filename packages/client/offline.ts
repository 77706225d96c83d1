/** `--offline` works in a broker's place, with its configuration and store: no client has that. */
import type * as broker from '../../src/cli/admin/offline.ts'
import { Failure } from '../../src/cli/failure.ts'

export const revokeWithoutBroker: typeof broker.revokeWithoutBroker = () =>
  Promise.reject(
    new Failure(
      'failed',
      '`--offline` is for where the broker is installed, and this is the client alone',
      'Run it there, with the package `mayfly-broker`.',
    ),
  )

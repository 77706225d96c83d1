/** What a running broker lends its connections, for a connection tested by itself. */
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { createExclusive } from '../../src/base/exclusive.ts'
import { createShared } from '../../src/provider/services.ts'

export const lentServices: Pick<ConnectionContext, 'installation' | 'sign' | 'exclusive' | 'shared'> = {
  installation: () => '0123456789abcdef',
  sign: () => Promise.reject(new Error('nothing signs here')),
  exclusive: createExclusive(),
  shared: createShared(),
}

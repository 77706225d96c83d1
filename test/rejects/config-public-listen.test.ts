import { expect, it } from 'vitest'
import { loadWith, onlyFault } from '../support/installation.ts'

it.each(['0.0.0.0:8420', '[::]:8420', '10.0.0.7:8420', '[2001:db8::1]:8420', '[::ffff:10.0.0.7]:8420'])(
  'to listen on %s without TLS or trusted proxies is refused',
  async (listen) => {
    expect(onlyFault(await loadWith({ listen })).path).toBe('listen')
  },
)

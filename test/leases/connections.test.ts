/** Which connection serves a detail: the broker's choice alone, of which no provider sees anything. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isBrokerError } from '../../src/base/errors.ts'
import { Connections, type DescribedConnection } from '../../src/leases/connections.ts'
import type { Provider } from '../../src/provider/contract.ts'
import type { Terms } from '../../src/provider/terms.ts'

const seen: unknown[] = []
const provider: Provider = {
  type: 'fake',
  config: z.unknown(),
  detail: z.strictObject({
    type: z.literal('fake'),
    names: z.array(z.string()).transform((n) => n.toSorted()),
  }),
  cedar: '',
  parseScope: () => undefined,
  scopeText: () => '',
  scopeExamples: [],
  starter: '',
  terms: () => terms(),
  connect: () => {
    throw new Error('nothing is called here')
  },
}

function terms(serves: (detail: unknown) => boolean = () => true): Terms {
  return {
    leadsTo: 'fake',
    resources: [],
    serves(detail) {
      seen.push(detail)
      return serves(detail)
    },
    requests: () => [],
    covers: () => true,
    revocation: () => 'immediate',
    minTtl: () => 1,
  }
}

function connections(...names: string[]): Connections<DescribedConnection> {
  return new Connections(
    [provider],
    names.map((name) => ({ provider, name, terms: terms(), retired: name === 'gone' })),
  )
}

function refusalOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isBrokerError(error, 'invalid_request')) return error.message
    throw error
  }
  throw new Error('it was accepted')
}

describe('a detail', () => {
  const written = { type: 'fake', names: ['b', 'a'] }

  it('is served by the one connection that fits, and by the one that it names', () => {
    expect(connections('one').resolve(written, 'detail').entry.name).toBe('one')
    const several = connections('one', 'two')
    for (const name of ['one', 'two'])
      expect(several.resolve({ ...written, connection: name }, 'detail').entry.name).toBe(name)
  })

  it('that names one is that to callers and on record, and to its provider never', () => {
    seen.length = 0
    const { detail, asked } = connections('one').resolve({ connection: 'one', ...written }, 'detail')
    expect(JSON.stringify(asked)).toBe('{"type":"fake","connection":"one","names":["a","b"]}')
    for (const shown of [detail, ...seen]) expect(shown).toStrictEqual({ type: 'fake', names: ['a', 'b'] })
    expect(seen).toHaveLength(1)
  })

  it('that names none says nothing of one', () => {
    const { detail, asked } = connections('one').resolve(written, 'detail')
    expect(asked).toStrictEqual(detail)
  })

  it.each([
    ['several fit', written, 'detail: several connections serve this (one, two); name one in `connection`'],
    [
      'it names none that there is',
      { ...written, connection: 'three' },
      'detail: no fake connection named "three" serves this',
    ],
    [
      'it names a retired one',
      { ...written, connection: 'gone' },
      'detail: no fake connection named "gone" serves this',
    ],
    ['its name is empty', { ...written, connection: '' }, /^detail\.connection: /],
    ['its name is no text', { ...written, connection: 7 }, /^detail\.connection: /],
    ['its name is there and nothing', { ...written, connection: null }, /^detail\.connection: /],
    ['another key is not known', { ...written, conection: 'one' }, /^detail: /],
    ['a key would change what it is', JSON.parse('{"type":"fake","names":[],"__proto__":{}}'), /^detail: /],
  ])('is refused where %s', (_, asked, message) => {
    expect(refusalOf(() => connections('one', 'two', 'gone').resolve(asked, 'detail'))).toMatch(message)
  })
})

import { describe, expect, it } from 'vitest'
import { Agents } from '../../src/agents/registry.ts'
import { adminEntry, Admins } from '../../src/control/admins.ts'
import { agent, principal } from '../support/principal.ts'

const issuer = { name: 'ci', audiences: ['mayfly'] }
const entry = (written: object) => adminEntry.parse({ issuer: 'ci', may: ['read'], ...written })

const admins = new Admins(
  [
    entry({ name: 'security', claims: { groups: 'security' } }),
    entry({ name: 'ops', claims: { groups: 'ops' }, audience: ['console', 'cli'] }),
  ],
  { agents: new Agents([agent('bot')]), issuers: [issuer] },
)
const found = (...given: Parameters<Admins['find']>) => admins.find(...given).map(({ name }) => name)

describe('an admin', () => {
  it('is found by the claims of its entry, in each group it belongs to', () => {
    expect(found(principal('alice', { groups: ['security'] }), ['mayfly'])).toEqual(['security'])
    expect(found(principal('alice', { groups: ['dev'] }), ['mayfly'])).toEqual([])
  })

  it('needs a token meant for the audience of its entry and nobody else', () => {
    const ops = principal('alice', { groups: ['ops'] })
    expect(found(ops, ['console'])).toEqual(['ops'])
    expect(found(ops, ['cli', 'console'])).toEqual(['ops'])
    expect(found(ops, ['mayfly'])).toEqual([])
    expect(found(ops, ['console', 'mayfly'])).toEqual([])
    expect(found(ops, [])).toEqual([])
  })

  it('is nobody who matches an agent', () => {
    expect(found(principal('bot:bot', { groups: ['security'] }), ['mayfly'])).toEqual([])
  })

  it("has a token for the issuer's own audience where its entry names none", () => {
    expect(admins.audiences(issuer)).toEqual(['mayfly', 'console', 'cli'])
    expect(admins.audiences({ name: 'other', audiences: ['x'] })).toEqual([])
  })
})

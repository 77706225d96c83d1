import { describe, expect, it } from 'vitest'
import { isReviewed, reviewRefusal } from '../../src/agents/review-date.ts'
import { Agents } from '../../src/agents/registry.ts'
import { agent, principal } from '../support/principal.ts'

const shared = { match: [{ issuer: 'ci', subject: 'both' }] }
const agents = new Agents([agent('one'), agent('zeta', shared), agent('beta', shared)])

describe('the registry', () => {
  it('finds an agent by name', () => {
    expect(agents.get('one')?.owner).toBe('platform@acme.example')
    expect(agents.get('One')).toBeUndefined()
    expect(agents.get('__proto__')).toBeUndefined()
  })

  it('chooses the one agent that a principal matches', () => {
    expect(agents.choose(principal('bot:one')).name).toBe('one')
    expect(agents.choose(principal('bot:one'), 'one').name).toBe('one')
  })

  it('lets a principal that matches several name one of them', () => {
    expect(agents.choose(principal('both'), 'beta').name).toBe('beta')
  })

  it('refuses a principal that matches several and names none, and lists them', () => {
    expect(() => agents.choose(principal('both'))).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining('beta, zeta') }),
    )
  })

  it('refuses a principal that matches none', () => {
    expect(() => agents.choose(principal('stranger'))).toThrow(
      expect.objectContaining({ code: 'unknown_agent' }),
    )
  })

  it('refuses an agent the principal does not match as it refuses one that does not exist', () => {
    const refusal = (named: string) => {
      try {
        return agents.choose(principal('bot:one'), named)
      } catch (error) {
        return error
      }
    }
    expect(refusal('beta')).toMatchObject({ code: 'unknown_agent' })
    expect(refusal('beta')).toEqual(refusal('no-such-agent'))
  })
})

describe('an agent', () => {
  const reviewed = agent('one')

  it('is in force to the last moment of its review date, UTC', () => {
    const last = Date.parse('2027-06-30T23:59:59.999Z')
    expect(isReviewed(reviewed, last)).toBe(true)
    expect(reviewRefusal(reviewed, last)).toBeUndefined()
  })

  it('is expired from the day after', () => {
    const next = Date.parse('2027-07-01T00:00:00Z')
    expect(isReviewed(reviewed, next)).toBe(false)
    expect(reviewRefusal(reviewed, next)).toMatchObject({ code: 'agent_expired' })
  })
})

import { describe, expect, it } from 'vitest'
import { createSeal, type Place, SealBroken } from '../../src/base/seal.ts'
import { sealKey } from '../support/store.ts'

const place: Place = { table: 'leases', column: 'handle', row: 'lease_1' }
const secret = '{"token":"not a real one, but ünïcödé"}'
const [k1, k2] = [sealKey('k1', 1), sealKey('k2', 2)]
const seal = createSeal([k1])

/** `KEY.BODY` with the body's bytes changed. */
function spoilt(sealed: string, change: (body: Buffer) => Buffer | void): string {
  const [key = '', text = ''] = sealed.split('.')
  const body = Buffer.from(text, 'base64url')
  return `${key}.${(change(body) ?? body).toString('base64url')}`
}
const flip = (at: number) => (body: Buffer) => void (body[at < 0 ? body.length + at : at]! ^= 1)

describe('what is sealed', () => {
  it('opens where it was sealed', () => {
    expect(seal.open(seal.seal(secret, place), place)).toBe(secret)
    expect(seal.open(seal.seal('', place), place)).toBe('')
  })

  it('shows nothing of the secret, and never looks the same twice', () => {
    const [one, another] = [seal.seal(secret, place), seal.seal(secret, place)]
    expect(one).not.toBe(another)
    expect(Buffer.from(one.split('.')[1]!, 'base64url').toString('latin1')).not.toContain('token')
  })

  it.each([
    ['table', { ...place, table: 'federation_keys' }],
    ['column', { ...place, column: 'detail' }],
    ['row', { ...place, row: 'lease_2' }],
    // Joined without care, these two places would read the same.
    ['row and column', { ...place, column: 'handle","lease_1', row: '' }],
  ])('does not open at another %s', (_, elsewhere) => {
    const sealed = seal.seal(secret, place)
    expect(() => seal.open(sealed, elsewhere)).toThrow(SealBroken)
  })

  it.each([
    ['nonce', flip(0)],
    ['body', flip(12)],
    ['tag', flip(-1)],
  ])('does not open with an altered %s', (_, change) => {
    const sealed = seal.seal(secret, place)
    expect(() => seal.open(spoilt(sealed, change), place)).toThrow(SealBroken)
  })

  it('does not open at any length but its own', () => {
    const sealed = seal.seal(secret, place)
    const { length } = Buffer.from(sealed.split('.')[1]!, 'base64url')
    for (let kept = 0; kept < length; kept += 1)
      expect(() =>
        seal.open(
          spoilt(sealed, (body) => body.subarray(0, kept)),
          place,
        ),
      ).toThrow(SealBroken)
    const longer = spoilt(sealed, (body) => Buffer.concat([body, Buffer.of(0)]))
    expect(() => seal.open(longer, place)).toThrow(SealBroken)
  })

  it.each(['', '.', 'k1', 'k1.', 'nobody.AAAA', 'k1.…', '__proto__.AAAA'])('is not %j', (text) => {
    expect(() => seal.open(text, place)).toThrow(SealBroken)
  })

  it('opens under an older key after a new one has taken over, and is sealed under the new one', () => {
    const old = createSeal([k1]).seal(secret, place)
    const rotated = createSeal([k2, k1])
    expect(rotated.open(old, place)).toBe(secret)
    expect(rotated.current).toBe('k2')
    expect(rotated.seal(secret, place)).toMatch(/^k2\./)
    expect(createSeal([k2]).has('k1')).toBe(false)
    expect(() => createSeal([k2]).open(old, place)).toThrow(SealBroken)
  })

  it('does not open under another key, nor under its own key’s bytes with another id', () => {
    const sealed = seal.seal(secret, place)
    expect(() => createSeal([sealKey('k1', 9)]).open(sealed, place)).toThrow(SealBroken)
    const renamed = createSeal([{ ...k1, id: 'k9' }])
    expect(() => renamed.open(sealed.replace('k1.', 'k9.'), place)).toThrow(SealBroken)
  })

  it('names in its error where it stands, and nothing of itself', () => {
    const sealed = seal.seal(secret, place)
    const error = (() => {
      try {
        return seal.open(sealed, { ...place, row: 'lease_2' })
      } catch (thrown) {
        return thrown as Error
      }
    })() as Error
    expect(error.message).toBe('leases.handle of lease_2 does not open with any configured seal key')
    expect(error.cause).toBeUndefined()
  })
})

describe('a seal', () => {
  it('needs a key', () => {
    expect(() => createSeal([])).toThrow('at least one key')
    expect(() => createSeal([k1]).rekey([])).toThrow('at least one key')
  })

  it('takes other keys while it is in use', () => {
    const rekeyed = createSeal([k1])
    const old = rekeyed.seal(secret, place)
    rekeyed.rekey([k2, k1])
    expect(rekeyed.current).toBe('k2')
    expect(rekeyed.open(old, place)).toBe(secret)
    rekeyed.rekey([k2])
    expect(() => rekeyed.open(old, place)).toThrow(SealBroken)
  })

  it('makes a MAC that depends on key, purpose and data alone', () => {
    const { key, mac } = seal.mac('audit', 'data')
    expect(key).toBe('k1')
    expect(createSeal([k2, k1]).mac('audit', 'data', 'k1')).toEqual({ key, mac })
    const others = [
      seal.mac('audit head', 'data'),
      seal.mac('audit', 'Data'),
      createSeal([sealKey('k1', 3)]).mac('audit', 'data'),
    ]
    expect(others.map((other) => other.mac)).not.toContain(mac)
    expect(() => seal.mac('audit', 'data', 'k2')).toThrow('k2 is not configured')
  })
})

import { expect, test } from 'vitest'
import { connectAws } from '../support/aws-sandbox.ts'

interface Answer {
  Credentials: { Expiration: string }
}
const later = (ms: number) => (answer: unknown) => {
  const { Credentials } = answer as Answer
  const Expiration = new Date(Date.parse(Credentials.Expiration) + ms).toISOString().replace('.000Z', 'Z')
  return { ...(answer as object), Credentials: { ...Credentials, Expiration } }
}

test.each([
  ['that lives longer', later(3_600_000), 'lives longer'],
  [
    'under another source identity',
    (answer: object) => ({ ...answer, SourceIdentity: 'somebody-else' }),
    'another source identity',
  ],
])(
  'an answer with a session %s is called wider, and the session can be revoked',
  async (_, change, words) => {
    const upstream = await connectAws()
    upstream.sandbox.settings.rewrite = change
    const minted = await upstream.mint()
    expect(minted.wider).toContain(words)
    expect(await upstream.revoke([minted])).toEqual([{ done: true }])
    expect(upstream.alive()).toEqual([])
  },
)

test('one that lives as long as was asked, on a clock a little ahead, is not', async () => {
  const upstream = await connectAws()
  upstream.sandbox.settings.rewrite = later(30_000) as (answer: object) => Record<string, unknown>
  expect((await upstream.mint()).wider).toBeUndefined()
})

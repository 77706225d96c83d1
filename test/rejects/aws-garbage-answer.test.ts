import { expect, test } from 'vitest'
import { connectAws, deploys, patient } from '../support/aws-sandbox.ts'

interface Answer {
  Credentials: Record<string, string>
  AssumedRoleUser: { Arn: string; AssumedRoleId: string }
}
const answers: [string, (answer: Answer) => object][] = [
  ['no credentials', (a) => ({ ...a, Credentials: undefined })],
  ['no expiry', (a) => ({ ...a, Credentials: { ...a.Credentials, Expiration: undefined } })],
  [
    'an expiry that has passed',
    (a) => ({ ...a, Credentials: { ...a.Credentials, Expiration: '2026-01-01T00:00:00Z' } }),
  ],
  ['an expiry that is no time', (a) => ({ ...a, Credentials: { ...a.Credentials, Expiration: 'soon' } })],
  [
    'a token that ends a header',
    (a) => ({ ...a, Credentials: { ...a.Credentials, SessionToken: 'x\r\ny: 1' } }),
  ],
  ['no word on whose session it is', (a) => ({ ...a, AssumedRoleUser: undefined })],
  [
    "another role's session",
    (a) => ({
      ...a,
      AssumedRoleUser: { ...a.AssumedRoleUser, Arn: a.AssumedRoleUser.Arn.replace('deployer', 'admin') },
    }),
  ],
  [
    'a session of another name',
    (a) => ({
      ...a,
      AssumedRoleUser: { ...a.AssumedRoleUser, AssumedRoleId: 'AROAAAAAAAAAAAAAAAAAA:other' },
    }),
  ],
  [
    'an id that is none',
    (a) => ({
      ...a,
      AssumedRoleUser: {
        ...a.AssumedRoleUser,
        AssumedRoleId: a.AssumedRoleUser.AssumedRoleId.replace(/^[^:]+/, '*'),
      },
    }),
  ],
]

test.each(answers)(
  'an answer with %s is delivered to nobody, and what it made is denied by name',
  async (_, change) => {
    const upstream = await connectAws()
    upstream.sandbox.settings.rewrite = (answer) =>
      change(answer as unknown as Answer) as Record<string, unknown>
    const intent = upstream.intentOf(deploys)
    await expect(upstream.connection.mint(deploys, intent, patient())).rejects.toMatchObject({
      kind: 'unavailable',
      maybeDone: true,
    })
    expect(upstream.alive()).toHaveLength(1)
    await upstream.connection.recover(intent, patient())
    expect(upstream.alive()).toEqual([])
  },
)

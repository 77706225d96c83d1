import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test.each(['', null, 7, ['a'], 's'.repeat(1025)])('a sub that names nobody is refused: %j', async (value) => {
  await using broker = await trusting()
  const token = broker.issuer.token({ sub: value })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('sub is not a string'))
})

test.each(['repo:acme/web:ref:refs/heads/\u202enaim', 'a\u200bb', 'a\u001b[2Jb'])(
  'a sub that is not what it shows is refused: %j',
  async (sub) => {
    await using broker = await trusting()
    await expect(broker.verify(broker.issuer.token({ sub }))).rejects.toMatchObject(
      refused('sub has characters that do not show'),
    )
  },
)

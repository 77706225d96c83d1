import { expect, test } from 'vitest'
import { trusting } from '../support/trust.ts'
import { discoveryPath, keysPath } from '../support/issuer.ts'

const noAnswer = { code: 'unavailable', facts: { retryAfter: 5 } }

test.each([discoveryPath, keysPath])('%s that drips is given up after 5 s in all', async (path) => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  let closed = () => {}
  const closing = new Promise<void>((resolve) => (closed = resolve))
  issuer.answers.set(path, (_request, response) => {
    response.once('close', closed)
    const drip = () => {
      if (!response.destroyed) response.write(' ')
      clock.after(1_000, drip)
    }
    drip()
  })
  const outcome = expect(broker.verify(issuer.token())).rejects.toMatchObject(noAnswer)
  await issuer.asked(path)
  await clock.advance(5_000)
  await outcome
  await closing
})

import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// They reach logs, the audit's exports, consoles and upstream headers.
test.each(['\0', '\n', '\r\nX-Injected: 1', '\t', '\u001b[2J', '\u007f', '\u0085', '\u2028', '\u2029'])(
  'the control character in %j is refused in every text of the caller',
  async (character) => {
    const text = `a${character}b`
    expectRefusal(await broker.open({ purpose: text }), 400, 'invalid_request')
    expectRefusal(await broker.open({ context: { ticket: text } }), 400, 'invalid_request')
    expectRefusal(await broker.open({ context: { [text]: 'x' } }), 400, 'invalid_request')
    expectRefusal(await broker.open({ agent: text }), 400, 'invalid_request')
  },
)

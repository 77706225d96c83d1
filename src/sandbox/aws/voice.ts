/** How AWS words what it answers in the query protocol ("Common errors", "Making query requests"). */
import { randomUUID } from 'node:crypto'
import type { Voice } from '../faults.ts'
import { element } from './query.ts'

const codes: Record<number, string> = {
  400: 'ValidationError',
  403: 'AccessDenied',
  404: 'NoSuchEntity',
  409: 'ConcurrentModification',
  429: 'Throttling',
}

export const voice: Voice = {
  headers: () => ({ 'x-amzn-requestid': randomUUID() }),
  // What is out has no words: its front end answers in its place.
  refusal: (status) => (status < 500 ? refusalText(codes[status] ?? 'ValidationError') : ''),
  async done(c) {
    const action = new URLSearchParams(await c.req.text()).get('Action') ?? 'Unknown'
    const meta = element('ResponseMetadata', { RequestId: randomUUID() })
    const headers = { 'content-type': 'text/xml' }
    return new Response(`<${action}Response>${meta}</${action}Response>`, { headers })
  },
}

function refusalText(code: string): string {
  const error = element('Error', { Type: 'Sender', Code: code, Message: code })
  return `<ErrorResponse>${error}${element('RequestId', randomUUID())}</ErrorResponse>`
}

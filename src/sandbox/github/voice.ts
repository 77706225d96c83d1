/** How GitHub words what it answers. */
import { randomBytes } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Voice } from '../faults.ts'
import { refusalBody } from './refusal.ts'

export const voice: Voice = {
  headers: () => ({ 'x-github-request-id': requestId() }),
  refusal: (status) => refusalBody(status, STATUS_CODES[status] ?? 'Unknown'),
  // "Revoke an installation access token" is the only thing that is answered so.
  done: () => Promise.resolve(new Response(null, { status: 204 })),
}

/** As github.com and GitHub Enterprise Server have it on each answer: `C8F4:2A61B:9D03E71:B4F2C55:67A1B2C3`. */
function requestId(): string {
  return [2, 3, 4, 4, 4].map((bytes) => randomBytes(bytes).toString('hex').toUpperCase()).join(':')
}

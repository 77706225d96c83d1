import { expect } from 'vitest'
import type { ErrorCode } from '../../src/base/errors.ts'
import type { Answer } from './broker.ts'

/** Expects RFC 6749 §5.2's error, with our own code beside it, and nothing of our insides. */
export function expectOAuthError(answer: Answer, status: number, error: string, code: ErrorCode): void {
  expect({ status: answer.status, error: answer.body?.error, code: answer.body?.code }).toEqual({
    status,
    error,
    code,
  })
  expect(answer.headers.get('Content-Type')).toMatch(/^application\/json/)
  expect(answer.headers.get('Cache-Control')).toBe('no-store')
  expect(answer.headers.get('X-Request-Id')).toMatch(/^req_/)
  // The characters that RFC 6749 §5.2 allows.
  expect(answer.body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
  expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts:\d|SQLITE|kysely|octokit/i)
}

/** Expects a refusal that passes, and that says in how many seconds. */
export function expectTemporary(answer: Answer, status: 429 | 503, code: ErrorCode): void {
  expectOAuthError(answer, status, 'temporarily_unavailable', code)
  expect(answer.headers.get('Retry-After')).toMatch(/^[1-9]\d*$/)
}

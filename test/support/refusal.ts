import { expect } from 'vitest'
import type { ErrorCode } from '../../src/base/errors.ts'
import type { Answer } from './broker.ts'

/** Expects a problem document (RFC 9457) with this status and code, complete and without a trace of our insides. */
export function expectRefusal(answer: Answer, status: number, code: ErrorCode): void {
  expect({ status: answer.status, code: answer.body?.code }).toEqual({ status, code })
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({
    type: 'about:blank',
    title: expect.stringMatching(/./),
    status,
    detail: expect.stringMatching(/./),
    request_id: answer.headers.get('X-Request-Id'),
  })
  expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts:\d|SQLITE|kysely|octokit/i)
}

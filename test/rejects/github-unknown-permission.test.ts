import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

const refusal = (name: string) => {
  const permissions = { [name]: 'write' }
  const { error } = github.detail.safeParse({ type: 'github', repositories: ['acme/web'], permissions })
  expect(error?.issues).toHaveLength(1)
  return error?.issues[0]?.message
}

test.each([
  ['pull-requests', 'did you mean pull_requests?'],
  ['content', 'did you mean contents?'],
  ['Contents', 'did you mean contents?'],
  ['isues', 'did you mean issues?'],
])('a permission that does not exist is refused with the closest that does: %s', (name, answer) => {
  expect(refusal(name)).toContain(answer)
})

test.each(['teleport', 'constructor', 'toString', ''])(
  'nothing is suggested for what resembles nothing: %j',
  (name) => {
    expect(refusal(name)).toMatch(/is not a permission$/)
  },
)

test('an endless name makes neither an endless search nor an endless message', () => {
  expect(refusal('x'.repeat(60_000))?.length).toBeLessThan(200)
})

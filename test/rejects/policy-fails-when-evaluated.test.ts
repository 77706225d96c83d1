import { expect, test } from 'vitest'
import { compiled, decided, deniedBy, permitAll, wants } from '../support/policy.ts'

// It validates, but overflows for every ttl above one.
const overflow = 'when { context.ttl * 9223372036854775807 > 0 }'

test.each(['forbid', 'permit'])('a %s that fails when evaluated denies, and is named', (effect) => {
  const policies = compiled(permitAll, `@id("broken") ${effect} (principal, action, resource) ${overflow};`)
  expect(decided(policies, wants('github.contents.read'))).toEqual(
    deniedBy('github.contents.read', ['broken']),
  )
})

test('a forbid that fails only for an implied action denies', () => {
  const policies = compiled(
    permitAll,
    `@id("broken") forbid (principal, action in Mayfly::Action::"read", resource) ${overflow};`,
  )
  const write = wants('github.contents.write', 'acme/web', ['github.contents.read'])
  expect(decided(policies, write)).toEqual(deniedBy('github.contents.read', ['broken']))
})

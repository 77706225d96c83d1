import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test.each([
  'acme/web',
  'acme/web:',
  ':contents=write',
  'acme/web:contents',
  'acme/web:contents=',
  'acme/web:=write',
  'acme/web:contents=write=read',
  'acme/web:contents=write:issues=read',
  'acme/web:contents=write,',
  'acme/web:contents=write,contents=read',
  'acme/web+:contents=write',
  'acme/web acme/docs:contents=write',
  'acme/web+other/web:contents=write',
  'acme/web:pull-requests=write',
])('a shorthand that is not one is refused: %s', (text) => {
  expect(() => github.parseScope(text)).toThrow(/github scope is OWNER\/REPO|named twice/)
})

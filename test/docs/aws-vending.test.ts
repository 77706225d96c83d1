import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { vendingActions } from '../../providers/aws/vending.ts'

test('the documentation lists exactly the calls that sessions may not make', () => {
  const page = readFileSync('docs/providers/aws.md', 'utf8')
  const [, section = ''] = page.split('## Calls that hand out credentials\n')
  const list = section.split('\n\n')[1] ?? ''
  expect([...list.matchAll(/`([^`]+)`/g)].map(([, action]) => action)).toEqual([...vendingActions])
})

import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { load, onlyFault, settings } from '../support/installation.ts'

it.each(['__proto__', '<<'])('the key %s is refused wherever it stands', async (key) => {
  const text = `${stringify(settings)}limits:\n  live_leases:\n    ${key}: { task: 1 }\n`
  expect(onlyFault(await load({ 'mayfly.yaml': text })).path).toBe(`limits.live_leases.${key}`)
})

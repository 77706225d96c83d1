import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { lentServices } from '../support/services.ts'
import { github } from '../../providers/github.ts'
import { connect } from '../../providers/github/connect.ts'
import { systemClock } from '../../src/base/clock.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
})

test.each([
  ['nothing', ''],
  ['something else', 'certainly not a key'],
  ['a key that is not RSA', ec.toString()],
])('%s for a private key is refused at the start, without quoting it', (_, pem) => {
  const config = github.config.parse({ name: 'a', app_id: 1, private_key: { env: 'K' }, owners: ['acme'] })
  let message = ''
  try {
    connect(config, { ...lentServices, fetch, clock: systemClock(), secret: () => pem })
  } catch (error) {
    message = String(error)
  }
  expect(message).toMatch(/private key is not/)
  for (const line of pem.split('\n').filter(Boolean)) expect(message).not.toContain(line)
})

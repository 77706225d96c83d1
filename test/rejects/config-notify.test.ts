/** Receivers that are refused before anything is sent to them. */
import { expect, it } from 'vitest'
import { loadWith, onlyFault } from '../support/installation.ts'

const secret = { env: 'HOOK' }
const key = Buffer.alloc(32, 9).toString('base64')
const withTarget = (changes: object, env: Record<string, string> = { HOOK: key }) =>
  loadWith(
    { notify: [{ name: 'pager', kind: 'generic', url: 'https://hooks.acme.dev/a', secret, ...changes }] },
    {},
    { env },
  )

it.each([
  ['plain http off loopback', 'http://hooks.acme.dev/a'],
  ['an address where clouds keep credentials', 'https://169.254.169.254/latest'],
  ['its IPv6 kind', 'https://[fe80::1]/a'],
  ['a password', 'https://me:pw@hooks.acme.dev/a'],
  ['a fragment', 'https://hooks.acme.dev/a#b'],
  ['a fragment of its query', 'https://hooks.acme.dev/a?b=c#d'],
  ['a line break in its query', 'https://hooks.acme.dev/a?b=c\nd'],
  ['steps upward', 'https://hooks.acme.dev/a/../b'],
  ['another scheme', 'file:///etc/passwd'],
])('a URL with %s', async (_, url) => {
  expect(onlyFault(await withTarget({ url })).path).toBe('notify[0].url')
  const hidden = onlyFault(await withTarget({ url: { env: 'URL' } }, { HOOK: key, URL: url }))
  expect(hidden.path).toBe('notify[0].url')
  expect(JSON.stringify(hidden)).not.toContain(url)
})

it.each([
  'https://prod-00.westus.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers&sig=a_b',
  'https://hooks.slack.com/services/T0/B0/x',
  'http://127.0.0.1:9000/hook',
])('as Teams, Slack and this machine have theirs it is taken: %s', async (url) => {
  const { configuration, faults } = await withTarget({ url })
  expect(faults).toEqual([])
  expect(configuration?.notify).toHaveLength(1)
})

it('a generic one without a secret: it could tell nothing apart', async () => {
  expect(onlyFault(await withTarget({ secret: undefined }))).toMatchObject({
    path: 'notify[0].secret',
    remedy: expect.stringContaining('{ file: PATH }'),
  })
})

it.each([
  'short',
  Buffer.alloc(23).toString('base64'),
  Buffer.alloc(65).toString('base64'),
  'not base64 at all!!',
])('a secret that is no key, without a word of it: %s', async (text) => {
  const fault = onlyFault(await withTarget({}, { HOOK: text }))
  expect(fault).toMatchObject({ path: 'notify[0].secret', message: 'is not 24 to 64 bytes in base64' })
  expect(JSON.stringify(fault)).not.toContain(text)
})

it('a secret written out', async () => {
  expect(onlyFault(await withTarget({ secret: key })).path).toBe('notify[0].secret')
})

it('a kind that there is not, and a misspelt key', async () => {
  expect(onlyFault(await withTarget({ kind: 'email' })).remedy).toBe('Write one of generic, slack, teams.')
  expect(onlyFault(await withTarget({ secrets: secret })).remedy).toBe('Did you mean `secret`?')
})

it('a page without a place for the approval', async () => {
  expect(onlyFault(await withTarget({ link: 'https://answers.acme.dev/' })).path).toBe('notify[0].link')
})

it('two of one name', async () => {
  const entry = { name: 'pager', kind: 'slack', url: 'https://hooks.acme.dev/a' }
  expect(onlyFault(await loadWith({ notify: [entry, entry] })).path).toBe('notify[1].name')
})

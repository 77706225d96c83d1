/** Owners whom four eyes could not tell from anybody: a warning. */
import { expect, test } from 'vitest'
import { loadWith, refactorBot, settings } from '../support/installation.ts'

const [security] = settings.admins

async function warned(owner: string, admins: object[] = [security!]): Promise<boolean> {
  const agent = { ...refactorBot, owner }
  const { configuration, faults } = await loadWith({ admins }, { 'agents/refactor-bot.yaml': agent })
  expect(configuration).toBeDefined()
  return faults.some(
    ({ file, path, warning }) => file.endsWith('refactor-bot.yaml') && path === 'owner' && warning,
  )
}

test.each([
  'platform@acme.example',
  'Security@acme.example',
  'payments-team@acme.example',
  'team.web@acme.example',
  'the platform team',
])('%s is a team, or a name that no token shows', async (owner) => {
  expect(await warned(owner)).toBe(true)
})

test.each(['ada@acme.example', 'ada.lovelace+agents@acme.example', 'auth0|ada', '00u1abcd'])(
  '%s may be somebody’s own',
  async (owner) => {
    expect(await warned(owner)).toBe(false)
  },
)

test('an address that every entry rules out, though it is a person’s', async () => {
  const only = (claims: object, more: object = {}) => [{ ...security, claims, ...more }]
  expect(await warned('ada@acme.example', only({ email: 'grace@acme.example' }))).toBe(true)
  expect(await warned('ada@acme.example', only({ email: 'ada@acme.example' }))).toBe(false)
  expect(await warned('ada@acme.example', only({ email: '*@acme.example' }))).toBe(false)
  expect(await warned('auth0|ada', only({ groups: 'security' }, { subject: 'auth0|grace' }))).toBe(true)
  const both = [...only({ email: 'grace@acme.example' }), { ...security, name: 'other' }]
  expect(await warned('ada@acme.example', both)).toBe(false)
})

test('where nobody may approve or resume, nobody is to be told apart', async () => {
  expect(await warned('platform@acme.example', [])).toBe(false)
  expect(await warned('platform@acme.example', [{ ...security, may: ['read', 'revoke'] }])).toBe(false)
  expect(await warned('platform@acme.example', [{ ...security, may: ['suspend'] }])).toBe(true)
})

async function loadedWith(owner: unknown) {
  return await loadWith({ admins: [security!] }, { 'agents/refactor-bot.yaml': { ...refactorBot, owner } })
}

test.each(['email', 'sub', '/sub', '/user/email'])(
  'whoever the claim %s names can be told from an admin, and is vouched for',
  async (claim) => {
    const { configuration, faults } = await loadedWith({ claim })
    expect(configuration).toBeDefined()
    expect(faults.filter(({ path }) => path.startsWith('owner'))).toEqual([])
  },
)

const otherwise = expect.stringContaining('otherwise than admins show themselves')
const unverified = expect.stringContaining('nothing has to say that it was verified')

test.each<[string, unknown[]]>([
  ['requesting_user_email', [unverified]],
  ['/user/contact-email', [unverified]],
  ['preferred_username', [otherwise, unverified]],
  ['actor', [otherwise, unverified]],
  ['name', [otherwise, unverified]],
])('whoever the claim %s names, perhaps not', async (claim, messages) => {
  const { configuration, faults } = await loadedWith({ claim })
  expect(configuration).toBeDefined()
  expect(faults).toMatchObject(messages.map((message) => ({ path: 'owner.claim', warning: true, message })))
})

test.each<[string, unknown, string]>([
  ['no claim at all', {}, 'owner.claim'],
  ['a claim without a name', { claim: '' }, 'owner.claim'],
  ['a misspelt key', { claims: 'email' }, 'owner.claims'],
  ['a number', 7, 'owner'],
  ['nothing', null, 'owner'],
  ['a list', [{ claim: 'email' }], 'owner'],
])('an owner that is %s is a fault', async (_what, owner, path) => {
  const { configuration, faults } = await loadedWith(owner)
  expect(configuration).toBeUndefined()
  expect(faults.map((fault) => fault.path)).toContain(path)
})

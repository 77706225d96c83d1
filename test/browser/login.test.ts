/** A person gets in: a browser, a login, then credentials for one task after another. */
import { expect, test } from 'vitest'
import { hasChromium, openPage } from '../support/chromium.ts'
import { type Laptop, laptop, peopleBroker, said } from '../support/people.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(peopleBroker)
const { github, issuer } = broker.sandbox

/** Seconds since the clone that this runs in, where whoever made it says when that was. */
const cloned = Number(process.env['MAYFLY_CLONED_AT'])
const started = Date.now()

const push = `git clone -q "$REMOTE/acme/web.git" web
cd web
date +%N%s > new.txt
git add . && git commit -q -m 'a change'
git push -q origin "HEAD:refs/heads/$BRANCH"`

async function pushes({ mayfly }: Laptop, scope = 'acme/web:contents=write') {
  return await mayfly(
    'run',
    '--purpose',
    'a change',
    '--git-host',
    github.url,
    '--scope',
    `github:${scope}`,
    '--',
    'sh',
    '-e',
    '-c',
    `cd "$(mktemp -d)"\n${push}`,
  )
}

const git = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_TERMINAL_PROMPT: '0',
  REMOTE: github.url,
}

test.runIf(hasChromium)('by a browser on this machine, to the first push and out again', async () => {
  const mine = await laptop({ ...git, BRANCH: 'browser' })
  expect((await mine.mayfly('bootstrap', broker.url)).status).toBe(0)

  const login = mine.start('login', '--no-browser')
  const page = await openPage()
  const start = await said(login, /http:\/\/127\.0\.0\.1:\d+\/\w+/)
  await page.goto(start)
  expect(page.url()).toContain(`${issuer.url}/authorize`)
  await page.getByRole('button', { name: 'Log in as grace' }).click()
  await page.waitForURL(/\/callback\?/)
  expect(await page.textContent('body')).toContain('You are logged in')
  expect(await login.ended).toMatchObject({ status: 0, stdout: expect.stringContaining('grace@acme.dev') })
  const from = cloned > 0 ? cloned * 1000 : started
  const seconds = Math.round((Date.now() - from) / 1000)

  // The first one, and another without logging in again.
  expect(await pushes(mine)).toEqual({ status: 0, stdout: '', stderr: '' })
  const first = Math.round((Date.now() - from) / 1000)
  console.log(
    `${cloned > 0 ? 'from the clone' : 'without the clone'}: logged in after ${seconds} s, the first push with a token of one's own after ${first} s`,
  )
  const owners = async () =>
    (
      await broker.call('GET', '/v1/admin/tasks?agent=claude-code', { token: await broker.admin() })
    ).body.items.map(({ owner }: { owner: string }) => owner)
  expect(await owners()).toEqual(['grace@acme.dev'])
  expect((await mine.mayfly('token', '--scope', 'github:acme/web:contents=read', '--ttl', '60')).status).toBe(
    0,
  )
  expect(await owners()).toEqual(['grace@acme.dev', 'grace@acme.dev'])

  const whoami = await mine.mayfly('whoami', '--json')
  expect(whoami.status).toBe(0)
  expect(JSON.parse(whoami.stdout)).toMatchObject({
    logins: [{ url: broker.url, kind: 'workload', email: 'grace@acme.dev', renewed: true }],
  })

  expect((await mine.mayfly('logout')).stdout).toContain('Logged out grace@acme.dev')
  const refused = await pushes(mine)
  expect(refused.status).toBe(1)
  expect(refused.stderr).toContain('mayfly login')
  expect((await mine.mayfly('whoami')).status).toBe(1)
})

test.runIf(hasChromium)('by a code on any device, as an admin too', async () => {
  const mine = await laptop({ MAYFLY_URL: broker.url, ...git, BRANCH: 'device' })
  const page = await openPage()
  const byCode = async (name: string, ...args: string[]) => {
    const login = mine.start('login', '--device', ...args)
    const code = await said(login, /[A-Z]{4}-[A-Z]{4}/)
    await page.goto(`${issuer.url}/device`)
    await page.getByLabel('The code on your device').fill(code.toLowerCase().replace('-', ' '))
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name }).click()
    expect(await page.textContent('body')).toContain('go back to your device')
    return await login.ended
  }
  expect((await byCode('Log in as linus')).stdout).toContain('linus@acme.dev')
  expect(await pushes(mine)).toEqual({ status: 0, stdout: '', stderr: '' })
  // Whoever opens tasks is no admin by it.
  const none = await mine.mayfly('admin', 'agents')
  expect(none.stderr).toContain('mayfly login --admin')
  expect((await byCode('Log in as ada', '--admin')).stdout).toContain('an admin')
  expect((await mine.mayfly('admin', 'tasks', '--owner', 'linus@acme.dev')).stdout).toContain('claude-code')
  expect((await mine.mayfly('admin', 'agents')).status).toBe(0)

  const refusing = await byCode('Refuse')
  expect(refusing).toMatchObject({ status: 1, stderr: expect.stringContaining('was told no') })
})

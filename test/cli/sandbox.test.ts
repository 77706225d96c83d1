/** `mayfly sandbox`: a newcomer's way to a first token of their own. */
import { expect, test } from 'vitest'
import { laptop, said } from '../support/people.ts'

test('from its commands to a first token', async () => {
  const mine = await laptop()
  const sandbox = mine.start('sandbox', '--json')
  await sandbox.printed(/\n/)
  const { url, issuer, started_after_ms, commands } = JSON.parse(sandbox.stdout())
  expect(started_after_ms).toBeLessThan(180_000)
  expect(commands.join('\n')).toMatch(/bootstrap .*login.*token .*run .*whoami.*logout/s)

  expect((await mine.mayfly('bootstrap', url)).status).toBe(0)
  const login = mine.start('login', '--device')
  const code = await said(login, /[A-Z]{4}-[A-Z]{4}/)
  await fetch(`${issuer}/device`, {
    method: 'POST',
    body: new URLSearchParams({ user_code: code, username: 'grace' }),
  })
  expect((await login.ended).stdout).toContain('grace@acme.dev')
  const token = await mine.mayfly('token', '--scope', 'github:acme/web:contents=read', '--ttl', '60')
  expect(token).toMatchObject({ status: 0, stdout: expect.stringMatching(/^ghs_/) })

  sandbox.process.kill('SIGTERM')
  expect((await sandbox.ended).status).toBe(0)
})

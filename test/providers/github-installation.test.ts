import { expect, test } from 'vitest'
import { looksUp, mints } from '../support/github.ts'
import { connectGithub, webWriter } from '../support/github-sandbox.ts'

test('the installation is looked up once in ten minutes', async () => {
  const upstream = connectGithub()
  await upstream.mint()
  await upstream.mint()
  expect(upstream.requests.filter(looksUp)).toHaveLength(1)
  await upstream.clock.advance(10 * 60_000)
  await upstream.mint()
  expect(upstream.requests.filter(looksUp)).toHaveLength(2)
})

test('an app that reaches one repository of an owner is looked up for another, and refused by name', async () => {
  const upstream = connectGithub()
  await upstream.mint()
  const elsewhere = { ...webWriter, repositories: ['acme/elsewhere'] }
  await expect(upstream.mint(elsewhere)).rejects.toMatchObject({
    kind: 'rejected',
    message: expect.stringContaining('not installed on acme/elsewhere') as string,
  })
  expect(upstream.requests.filter(mints)).toHaveLength(1)
})

test('a permission granted a moment ago is found before it is said to be missing', async () => {
  const upstream = connectGithub()
  await upstream.mint()
  const { settings } = upstream.sandbox.github
  settings.permissions = { ...settings.permissions, pages: 'write' }
  await upstream.mint({ ...webWriter, permissions: { pages: 'write' } })
  expect(upstream.requests.filter(looksUp)).toHaveLength(2)
})

test('an installation that was replaced is looked up afresh after its mint failed', async () => {
  const upstream = connectGithub()
  await upstream.mint()
  upstream.sandbox.github.settings.installationId += 1
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected' })
  await expect(upstream.mint()).resolves.toMatchObject({ handle: { installation: 5002 } })
})

test.each([401, 403, 404, 422])('an installation is forgotten when a mint is answered %i', async (status) => {
  const upstream = connectGithub()
  await upstream.mint()
  upstream.faults.add({ kind: 'status', status, on: mints, times: 1 })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected', maybeDone: false })
  await upstream.mint()
  expect(upstream.requests.filter(looksUp)).toHaveLength(2)
})

test('an installation of another owner is not believed', async () => {
  const upstream = connectGithub()
  const rewrite = (body: unknown) => ({ ...(body as object), account: { login: 'evil' } })
  upstream.faults.add({ kind: 'rewrite', rewrite, on: looksUp })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: false })
  expect(upstream.requests.filter(mints)).toEqual([])
})

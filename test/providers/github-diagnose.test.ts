import { expect, test } from 'vitest'
import { connect } from '../../providers/github/connect.ts'
import type { ClassedAction } from '../../src/provider/terms.ts'
import type { MightPermit } from '../../src/provider/upstream.ts'
import { connectGithub } from '../support/github-sandbox.ts'

const signal = new AbortController().signal
const nothing: MightPermit = () => undefined
const everything: MightPermit = () => 'by class'
const naming =
  (...actions: string[]): MightPermit =>
  ({ action }: ClassedAction) =>
    actions.includes(action) ? 'by name' : undefined

const diagnose = (upstream: ReturnType<typeof connectGithub>, mightPermit = everything) =>
  upstream.connection.diagnose!({ mightPermit, signal })

test('an app that is accepted, installed, and granted what policies permit is fine', async () => {
  const upstream = connectGithub()
  expect(await diagnose(upstream)).toEqual([
    { status: 'ok', message: 'GitHub accepts the key of the app 424242' },
    { status: 'ok', message: 'the installation on acme was granted what policies permit' },
  ])
  expect(upstream.ledger.entries).toEqual([])
  expect(upstream.requests.every(({ method }) => method === 'GET')).toBe(true)
})

test('what a policy names and the installation lacks is told, level by level', async () => {
  const upstream = connectGithub({ settings: { permissions: { contents: 'read', metadata: 'read' } } })
  const might = naming('github.contents.read', 'github.contents.write', 'github.issues.read')
  expect((await diagnose(upstream, might)).slice(1)).toMatchObject([
    { status: 'warning', message: expect.stringMatching(/not granted: contents: write, issues: read$/) },
  ])
})

test('what is granted and no policy permits is told, but for the metadata that every app has', async () => {
  const permissions = { contents: 'write', metadata: 'read', members: 'read', profile: 'write' }
  const upstream = connectGithub({ settings: { permissions } })
  expect((await diagnose(upstream, naming('github.contents.write'))).slice(1)).toMatchObject([
    {
      status: 'warning',
      message: expect.stringMatching(/no policy permits: members: read, profile: write$/),
    },
  ])
  expect(
    await diagnose(connectGithub({ settings: { permissions: { metadata: 'read' } } }), nothing),
  ).toMatchObject([{ status: 'ok' }, { status: 'ok' }])
})

test('a key that GitHub does not accept is a fault, and the only finding', async () => {
  const upstream = connectGithub()
  upstream.faults.add({ kind: 'status', status: 401, body: { message: 'no' } })
  expect(await diagnose(upstream)).toMatchObject([
    { status: 'fault', message: 'GitHub answered 401: the app id and its private key are not accepted' },
  ])
})

test('a proxy that takes away what GitHub is known by is a fault: no token would be seen dead', async () => {
  const { config, context } = connectGithub()
  const stripping: typeof context.fetch = async (input, init) => {
    const { status, headers, text } = await context.fetch(input, init)
    const kept = [...headers].filter(([name]) => name !== 'x-github-request-id')
    return { status, headers: new Map(kept), text }
  }
  const connection = connect(config, { ...context, fetch: stripping })
  expect(await connection.diagnose!({ mightPermit: everything, signal })).toMatchObject([
    { status: 'fault', message: expect.stringContaining('x-github-request-id') },
  ])
})

test('an owner without the app, or whose installation is suspended, is a fault', async () => {
  const elsewhere = connectGithub({ settings: { owner: 'other' } })
  expect((await diagnose(elsewhere)).slice(1)).toMatchObject([
    { status: 'fault', message: expect.stringContaining('not installed on acme') },
  ])
  const suspended = connectGithub()
  suspended.sandbox.github.suspend()
  expect((await diagnose(suspended)).slice(1)).toMatchObject([
    { status: 'fault', message: expect.stringContaining('suspended') },
  ])
})

test.each(['reset', 'garbage'] as const)('a GitHub that answers with a %s is a fault', async (kind) => {
  const upstream = connectGithub()
  upstream.faults.add({ kind })
  expect(await diagnose(upstream)).toMatchObject([{ status: 'fault' }])
})

test('names that GitHub would never give are not repeated', async () => {
  const upstream = connectGithub()
  const rewrite = (body: unknown) => ({ ...(body as object), permissions: { 'x: run this': 'write' } })
  upstream.faults.add({ kind: 'rewrite', rewrite, on: ({ path }) => path.endsWith('/installation') })
  expect(JSON.stringify(await diagnose(upstream))).not.toContain('run this')
})

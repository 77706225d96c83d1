import { expect, test } from 'vitest'
import { connect } from '../../providers/github/connect.ts'
import { looksUp, mints } from '../support/github.ts'
import { connectGithub, webWriter } from '../support/github-sandbox.ts'

test.each([
  ['the id alone', { id: 5001 }],
  ['an account of null', { id: 5001, account: null }],
  ['an account in other case', { id: 5001, account: { login: 'ACME' } }],
])('an installation answered with %s is enough to mint', async (_, answer) => {
  const upstream = connectGithub()
  upstream.faults.add({ kind: 'rewrite', rewrite: () => answer, on: looksUp })
  expect(await upstream.mint()).not.toHaveProperty('wider')
})

test('an installation that does not say what it was granted leaves the refusal to the mint', async () => {
  const upstream = connectGithub()
  upstream.faults.add({ kind: 'rewrite', rewrite: () => ({ id: 5001 }), on: looksUp })
  const greedy = { ...webWriter, permissions: { contents: 'write', members: 'write' } as const }
  await expect(upstream.mint(greedy)).rejects.toMatchObject({ kind: 'rejected', maybeDone: false })
  expect(upstream.ledger.entries).toEqual([])
})

test.each([
  ['its name alone', { name: 'web' }],
  ['its name and owner', { name: 'Web', owner: { login: 'Acme' } }],
  ['its full name alone', { full_name: 'Acme/Web' }],
])('a repository of the answer is recognised by %s', async (_, repository) => {
  const upstream = connectGithub()
  const rewrite = (body: unknown) => ({ ...(body as object), repositories: [repository] })
  upstream.faults.add({ kind: 'rewrite', rewrite, on: mints })
  expect(await upstream.mint()).not.toHaveProperty('wider')
})

test.each([undefined, 'text/plain', 'application/vnd.github+json', 'application/octet-stream'])(
  'an answer labelled %s is read for what it says',
  async (label) => {
    const upstream = connectGithub()
    const connection = connect(upstream.config, {
      ...upstream.context,
      async fetch(input, init) {
        const { status, headers, body } = await fetch(input, init)
        const relabelled = new Headers(headers)
        relabelled.delete('Content-Type')
        if (label !== undefined) relabelled.set('Content-Type', label)
        return new Response(body, { status, headers: relabelled })
      },
    })
    const minted = await upstream.mint(webWriter, connection)
    expect(minted).not.toHaveProperty('wider')
    expect(upstream.ledger.find(String(minted.credential['token']))).toBeDefined()
  },
)

import { expect, it } from 'vitest'
import type { Task } from '../../src/client/client.ts'
import { dockerCredential, NoDockerCredential } from '../../src/client/docker-credential.ts'

type Scope = [host: string | null, permissions: Record<string, string>][]

function docker(scope: Scope) {
  const task = {
    authorization_details: scope.map(([, permissions]) => ({
      type: 'github',
      repositories: ['acme/web'],
      permissions,
    })),
    upstreams: scope.map(([host]) => ({ provider: 'github', connection: '', host })),
  } as unknown as Task
  return (action: 'get' | 'list', input = '') =>
    dockerCredential(action, input, {
      task: () => Promise.resolve(task),
      mint: ({ permissions }) =>
        Promise.resolve({ lease: {}, credential: { token: `ghs_${permissions.packages}` } } as never),
    })
}
const both = docker([
  ['github.com', { contents: 'read' }],
  ['github.com', { packages: 'read' }],
  ['github.com', { packages: 'write' }],
  ['acme.ghe.com', { packages: 'read' }],
  [null, { packages: 'read' }],
])

it.each(['ghcr.io', 'https://ghcr.io', 'https://ghcr.io/v2/', 'GHCR.IO\n'])(
  '%j is github.com’s',
  async (server) => {
    expect(JSON.parse(await both('get', server))).toEqual({
      ServerURL: server.trim(),
      Username: 'x-access-token',
      Secret: 'ghs_write',
    })
  },
)

it('an instance of its own has its own', async () => {
  expect(JSON.parse(await both('get', 'containers.acme.ghe.com'))).toMatchObject({ Secret: 'ghs_read' })
})

it.each([
  'https://index.docker.io/v1/',
  'ghcr.io.evil.example',
  'https://ghcr.io@evil.example',
  'evil.example/ghcr.io',
  'ghcr.io:8443',
  'github.com',
  '',
])('%j gets nothing, and Docker goes on without', async (server) => {
  await expect(both('get', server)).rejects.toThrow(NoDockerCredential)
})

it('nor does a scope that has no packages', async () => {
  await expect(docker([['github.com', { contents: 'write' }]])('get', 'ghcr.io')).rejects.toThrow(
    // To the letter: Docker compares it.
    /^credentials not found in native keychain$/,
  )
})

it('a list has names alone', async () => {
  expect(JSON.parse(await both('list'))).toEqual({
    'ghcr.io': 'x-access-token',
    'containers.acme.ghe.com': 'x-access-token',
  })
})

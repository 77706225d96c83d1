import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/sandbox.ts'

test('each server has its own faults, and logs the requests that they strike', async () => {
  const sandbox = await startSandbox()
  const { issuer, github } = sandbox
  issuer.faults.add({ kind: 'status', status: 500 })
  expect((await fetch(`${issuer.url}/jwks?again`)).status).toBe(500)
  expect((await fetch(`${github.url}/app`)).status).toBe(401)
  expect(issuer.requests).toEqual([{ method: 'GET', path: '/jwks' }])
  expect(github.requests).toEqual([{ method: 'GET', path: '/app' }])
  await sandbox.close()
})

test('a closed sandbox listens no more, and closes twice without complaint', async () => {
  const sandbox = await startSandbox()
  await sandbox.close()
  await sandbox.close()
  await expect(once(connect(portOf(sandbox.github.url), '127.0.0.1'), 'connect')).rejects.toThrow(
    'ECONNREFUSED',
  )
})

test('a port that is taken is refused, and the other server does not stay behind', async () => {
  const [taken, spare] = [await startSandbox(), await startSandbox()]
  const [githubPort, issuerPort] = [portOf(taken.github.url), portOf(spare.issuer.url)]
  await spare.close()
  await expect(startSandbox({ issuerPort, githubPort })).rejects.toThrow('EADDRINUSE')
  await expect(fetch(`http://127.0.0.1:${issuerPort}/jwks`)).rejects.toThrow('fetch failed')
  await taken.close()
})

function portOf(url: string): number {
  return Number(new URL(url).port)
}

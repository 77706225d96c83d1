import { expect, test } from 'vitest'
import { connectAws, deployer, patient } from '../support/aws-sandbox.ts'

const upstream = await connectAws()
const good = {
  role: deployer,
  assumed_role_id: 'AROAAAAAAAAAAAAAAAAAA:lease_x',
  issued_at: upstream.clock.now(),
  expires_at: upstream.clock.now() + 900_000,
}

test.each([
  [{}],
  [{ ...good, role: 'deployer' }],
  [{ ...good, assumed_role_id: '*' }],
  [{ ...good, assumed_role_id: '*:lease_x' }],
  [{ ...good, assumed_role_id: 'AROA' }],
  [{ ...good, expires_at: '2099-01-01' }],
  [{ ...good, expires_at: undefined }],
  [{ ...good, secret_access_key: 'x' }],
])('a handle that no mint gave out is never called revoked: %j', async (handle) => {
  const options = { standing: () => Promise.resolve([handle]), ...patient() }
  expect(await upstream.connection.revoke([handle], options)).toMatchObject([
    { done: false, error: { kind: 'rejected' } },
  ])
  expect(await upstream.connection.probe(handle, patient())).toMatchObject({ result: 'unknown' })
  expect(upstream.sandbox.requests).toEqual([])
})

test('it keeps no other from being revoked', async () => {
  const minted = await upstream.mint()
  const handles = [{}, minted.handle]
  const options = { standing: () => Promise.resolve(handles), ...patient() }
  expect(await upstream.connection.revoke(handles, options)).toMatchObject([{ done: false }, { done: true }])
  expect(upstream.alive()).toEqual([])
})

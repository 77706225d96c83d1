/** What cannot be taken back is not minted: roles whose policy the broker may not write. */
import { expect, test } from 'vitest'
import type { Statement } from '../../src/sandbox/aws/policy.ts'
import { connectAws, deployer, deploys, patient, reader } from '../support/aws-sandbox.ts'

const words = (text: string) => expect.stringContaining(text) as string
const noWriting: Statement[] = [{ Effect: 'Deny', Action: 'iam:PutRolePolicy', Resource: deployer }]
const refused = { kind: 'rejected', maybeDone: false, message: words('could not be taken back') }
const diagnose = ({ connection }: Awaited<ReturnType<typeof connectAws>>) =>
  connection.diagnose!({ mightPermit: () => undefined, ...patient() })

test('it is found out at the start, before anything is minted', async () => {
  const upstream = await connectAws({ settings: { serviceControl: noWriting } })
  await expect(upstream.maintain()).rejects.toMatchObject({ kind: 'rejected' })
  await expect(upstream.mint()).rejects.toMatchObject(refused)
  expect(upstream.calls('AssumeRole')).toBe(0)
  // The other role has nothing to do with it.
  await expect(upstream.mint({ ...deploys, role_arn: reader })).resolves.toBeDefined()
})

test('or at the first failure', async () => {
  const upstream = await connectAws({ settings: { serviceControl: noWriting } })
  const minted = await upstream.mint()
  expect(await upstream.revoke([minted])).toMatchObject([{ done: false, error: { kind: 'rejected' } }])
  await expect(upstream.mint()).rejects.toMatchObject(refused)
})

test('a policy that the broker may not read is none that it can keep up', async () => {
  const upstream = await connectAws({
    settings: { serviceControl: [{ Effect: 'Deny', Action: 'iam:GetRolePolicy', Resource: '*' }] },
  })
  await expect(upstream.maintain()).rejects.toMatchObject({ kind: 'rejected' })
  await expect(upstream.mint()).rejects.toMatchObject(refused)
})

test('once the policy can be written, minting goes on', async () => {
  const upstream = await connectAws({ settings: { serviceControl: noWriting } })
  const minted = await upstream.mint()
  await upstream.revoke([minted])
  await expect(upstream.maintain()).rejects.toMatchObject({ kind: 'rejected' })
  upstream.sandbox.settings.serviceControl = []
  await upstream.maintain()
  expect(upstream.alive()).toEqual([])
  await expect(upstream.mint()).resolves.toBeDefined()
})

test('trying it out leaves everything as it was', async () => {
  const upstream = await connectAws()
  await upstream.maintain()
  for (const role of ['deployer', 'reader']) expect([...upstream.sandbox.inlinePolicies(role)]).toEqual([])
  const before = upstream.sandbox.operations.length
  await upstream.maintain()
  expect(upstream.sandbox.operations.slice(before)).toEqual([])
})

test('what something in front of AWS answers is no refusal by AWS', async () => {
  const upstream = await connectAws()
  const fault = upstream.sandbox.faults.add({
    kind: 'status',
    status: 403,
    body: '<html>',
    on: ({ path }) => path.startsWith('/iam'),
  })
  await expect(upstream.maintain()).rejects.toMatchObject({ kind: 'unavailable' })
  fault.clear()
  await expect(upstream.mint()).resolves.toBeDefined()
})

test('where sessions only expire, nothing is tried', async () => {
  const upstream = await connectAws({
    config: { revocation: 'expiry' },
    settings: { serviceControl: noWriting },
  })
  await expect(upstream.mint()).resolves.toBeDefined()
})

test('doctor says so, and how to mend it', async () => {
  const upstream = await connectAws({ as: 'role', settings: { serviceControl: noWriting } })
  expect(await diagnose(upstream)).toMatchObject([
    { status: 'ok' },
    {
      status: 'fault',
      message: words(`sessions of ${deployer} could not be taken back, so none is minted: AWS answered 403`),
      remedy: words('service control policies'),
    },
    { status: 'ok', message: words(reader) },
  ])
  expect([...upstream.sandbox.inlinePolicies('deployer')]).toEqual([])
})

test("doctor warns of a user's keys, whose sessions take their room for 12 hours", async () => {
  expect(await diagnose(await connectAws())).toContainEqual({
    status: 'warning',
    message: words('console session'),
    remedy: words('web_identity'),
  })
})

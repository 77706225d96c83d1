import { expect, test } from 'vitest'
import { connectAws, deployer, patient, reader } from '../support/aws-sandbox.ts'

const diagnose = ({ connection }: Awaited<ReturnType<typeof connectAws>>) =>
  connection.diagnose!({ mightPermit: () => undefined, ...patient() })
const words = (text: string) => expect.stringContaining(text) as string
const padding = (length: number) => {
  const frame = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:","Resource":"*"}]}'
  return frame.replace('s3:', `s3:${'x'.repeat(length - frame.length)}`)
}

test('a broker that AWS knows and whose roles it can read is fine, and nothing is changed', async () => {
  const upstream = await connectAws({ as: 'role' })
  const room = upstream.connection.room!(deployer)
  expect(await diagnose(upstream)).toEqual([
    {
      status: 'ok',
      message: words('AWS knows the broker as arn:aws:sts::123456789012:assumed-role/mayfly/'),
    },
    { status: 'ok', message: `${deployer} has room to deny ${room} sessions at a time` },
    { status: 'ok', message: `${reader} has room to deny ${room} sessions at a time` },
  ])
  expect(upstream.ledger.entries).toEqual([])
  for (const role of ['deployer', 'reader']) expect([...upstream.sandbox.inlinePolicies(role)]).toEqual([])
})

test.each([
  [9_900, 'warning', 'room to deny 3 sessions'],
  [10_240, 'fault', 'room to deny 0 sessions'],
])('a role whose other policies take %i characters is told of', async (length, status, message) => {
  const upstream = await connectAws({ as: 'role' })
  upstream.sandbox.setInlinePolicy('deployer', 'own', padding(length))
  expect((await diagnose(upstream))[1]).toMatchObject({ status, message: words(message) })
})

test('a role that is not there, or may not be read, is a fault, and the others are looked at', async () => {
  const upstream = await connectAws({ as: 'role' })
  upstream.sandbox.settings.roles.shift()
  expect(await diagnose(upstream)).toMatchObject([
    { status: 'ok' },
    { status: 'fault', message: words('the role does not exist') },
    { status: 'ok' },
  ])
})

test('where sessions only expire, IAM is not asked', async () => {
  const upstream = await connectAws({ config: { revocation: 'expiry' } })
  expect(await diagnose(upstream)).toMatchObject([{ status: 'ok' }, { status: 'ok' }])
  expect(upstream.calls('ListRolePolicies')).toBe(0)
})

test('credentials that AWS does not know are a failure to find out', async () => {
  const upstream = await connectAws({ as: 'role' })
  const { connection } = await connectAws({ config: { endpoints: upstream.sandbox.endpoints } })
  await expect(connection.diagnose!({ mightPermit: () => undefined, ...patient() })).rejects.toMatchObject({
    kind: 'rejected',
  })
})

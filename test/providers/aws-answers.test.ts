import { afterAll, expect, test } from 'vitest'
import { listen } from '../../src/sandbox/server.ts'
import { manualClock } from '../support/clock.ts'
import { connectAws } from '../support/aws-sandbox.ts'

/** An STS and IAM that says no more than it has to, with ids of its own making. */
const policies = new Map<string, string>()
/** The role that it says a policy is of, where it says one. */
let role: string | undefined
const { app, url, close } = await listen(manualClock())
afterAll(close)
app.post('/', async (c) => {
  const asked = new URLSearchParams(await c.req.text())
  const [action, name] = [asked.get('Action') ?? '', asked.get('PolicyName') ?? '']
  const answer = (inside: string) => c.body(`<R><${action}Result>${inside}</${action}Result></R>`)
  const refuse = (code: string, status: 400 | 404) =>
    c.body(`<ErrorResponse><Error><Code>${code}</Code></Error></ErrorResponse>`, status)
  switch (action) {
    case 'AssumeRole':
      return answer(
        `<Credentials><AccessKeyId>ASIA-1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
         <SessionToken>t</SessionToken><Expiration>2026-11-02T09:15:00Z</Expiration></Credentials>
         <AssumedRoleUser><AssumedRoleId>role-1:${asked.get('RoleSessionName')}</AssumedRoleId></AssumedRoleUser>`,
      )
    case 'PutRolePolicy':
      policies.set(name, asked.get('PolicyDocument') ?? '')
      return answer('')
    case 'GetRolePolicy': {
      const text = policies.get(name)
      if (text === undefined) return refuse('NoSuchEntity', 404)
      const said = role === undefined ? '' : `<RoleName>${role}</RoleName>`
      return answer(`${said}<PolicyDocument>${encodeURIComponent(text)}</PolicyDocument>`)
    }
    default:
      return refuse('InvalidAction', 400)
  }
})

test('answers that say no more than what counts are enough to mint, to revoke and to see it', async () => {
  const upstream = await connectAws({ config: { endpoints: { sts: url, iam: url } } })
  const minted = await upstream.mint()
  expect(minted).toMatchObject({ fingerprint: 'ASIA-1', credential: { session_token: 't' } })
  expect(minted.wider).toBeUndefined()
  expect(await upstream.revoke([minted])).toEqual([{ done: true }])
  expect([...policies.values()]).toEqual([expect.stringContaining('"role-1:lease_')])
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'denied' })
})

test.each([
  [403, '<html>', { kind: 'unavailable', maybeDone: true }],
  [404, '', { kind: 'unavailable', maybeDone: true }],
  [401, '{"message":"no"}', { kind: 'unavailable', maybeDone: true }],
  [502, '<html>', { kind: 'unavailable', maybeDone: true }],
  [503, errorOf('ServiceUnavailable'), { kind: 'unavailable', maybeDone: false }],
  [500, errorOf('InternalFailure'), { kind: 'unavailable', maybeDone: false }],
  [403, errorOf('AccessDenied'), { kind: 'rejected', maybeDone: false }],
])('a mint answered with %i and %s is judged by whose words that are', async (status, body, expected) => {
  const { sandbox, ...upstream } = await connectAws()
  const kind = body.startsWith('<ErrorResponse>') ? 'status' : 'stranger'
  const fault = sandbox.faults.add({ kind, status, body })
  await expect(upstream.mint()).rejects.toMatchObject(expected)
  fault.clear()
})

test.each([401, 403, 404])(
  'a stranger who answers %i for IAM makes no session dead, and none irrevocable',
  async (status) => {
    const { sandbox, ...upstream } = await connectAws()
    const minted = await upstream.mint()
    const fault = sandbox.faults.add({ kind: 'stranger', status })
    await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'unknown' })
    expect(await upstream.revoke([minted])).toMatchObject([{ done: false, error: { kind: 'unavailable' } }])
    fault.clear()
  },
)

function errorOf(code: string): string {
  return `<ErrorResponse><Error><Code>${code}</Code><Message>m</Message></Error></ErrorResponse>`
}

test('what is denied by another role is no evidence for this one', async () => {
  const upstream = await connectAws({ config: { endpoints: { sts: url, iam: url } } })
  const minted = await upstream.mint()
  await upstream.revoke([minted])
  role = 'reader'
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'unknown' })
  expect(await upstream.revoke([minted])).toMatchObject([{ done: false, error: { kind: 'unavailable' } }])
  role = 'deployer'
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'denied' })
})

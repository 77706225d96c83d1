/** What the contract suite needs and moto has not: faults, a ledger, and a clock that can be moved. */
import { GetRolePolicyCommand, ListRolePoliciesCommand } from '@aws-sdk/client-iam'
import { deniesAll, parsePolicy, type Statement } from '../../src/sandbox/aws/policy.ts'
import { createLedger, type LedgerEntry } from '../../src/sandbox/ledger.ts'
import { listen } from '../../src/sandbox/server.ts'
import type { ManualClock } from '../support/clock.ts'
import type { Moto } from './moto.ts'

interface Session {
  entry: LedgerEntry
  role: string
  userId: string
  issuedAt: number
}

/**
 * Hands every request on to moto, whose times it moves to those of `clock`. The
 * ledger holds the sessions that it was seen to mint; whether one is denied, moto's
 * policies are read after every change.
 */
export async function proxyTo(moto: Moto, clock: ManualClock) {
  const { app, url, faults, requests, close } = await listen(clock)
  const ledger = createLedger(clock)
  const sessions: Session[] = []

  const statementsOf = async (RoleName: string): Promise<Statement[]> => {
    const { PolicyNames = [] } = await moto.iam.send(new ListRolePoliciesCommand({ RoleName }))
    const texts = PolicyNames.map(async (PolicyName) => {
      const { PolicyDocument = '' } = await moto.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))
      return parsePolicy(decodeURIComponent(PolicyDocument))
    })
    return (await Promise.all(texts)).flat()
  }
  const settle = async (role: string) => {
    const statements = await statementsOf(role)
    for (const session of sessions.filter((each) => each.role === role))
      if (!deniesAll(statements, { ...session, now: clock.now() })) delete session.entry.revokedAt
      else session.entry.revokedAt ??= clock.now()
  }
  const note = (xml: string) => {
    const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? ''
    const [expiresAt, issuedAt] = [Date.parse(element('Expiration')), clock.now()]
    const scope = { session: element('Arn') }
    const entry = ledger.record({
      provider: 'aws',
      secret: element('SessionToken'),
      fingerprint: element('AccessKeyId'),
      mintedAt: issuedAt,
      expiresAt,
      scope,
    })
    sessions.push({ entry, role: element('Arn').split('/')[1]!, userId: element('AssumedRoleId'), issuedAt })
  }

  app.post('/:service/', async (c) => {
    const body = await c.req.text()
    const response = await fetch(`${moto.url}/`, {
      method: 'POST',
      headers: {
        authorization: c.req.header('authorization') ?? '',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body,
    })
    const moved = (_: string, time: string) =>
      `<Expiration>${new Date(Date.parse(time) - Date.now() + clock.now()).toISOString()}</Expiration>`
    const xml = (await response.text()).replace(/<Expiration>([^<]*)<\/Expiration>/, moved)
    const form = new URLSearchParams(body)
    if (response.ok && form.get('Action') === 'AssumeRole') note(xml)
    if (response.ok && /^(?:Put|Delete)RolePolicy$/.test(form.get('Action') ?? ''))
      await settle(form.get('RoleName') ?? '')
    return new Response(xml, { status: response.status, headers: { 'content-type': 'text/xml' } })
  })
  return { endpoints: { sts: `${url}/sts`, iam: `${url}/iam` }, faults, requests, ledger, close }
}

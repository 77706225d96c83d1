/**
 * A model's session from beginning to end: denied, told what would do, granted after a person was told
 * and said yes, and going on; with no secret in what it saw.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { Browser } from '../support/console.ts'
import { mayfly } from '../support/mayfly.ts'
import { rows } from '../support/database.ts'
import { consoleBroker } from '../support/people.ts'
import { startReceiver } from '../support/receiver.ts'
import { found } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { versions } from './client.ts'

const receiver = await startReceiver()
afterAll(() => receiver.close())
const settings = consoleBroker.settings as (sandbox: Sandbox, port: number) => Record<string, unknown>
const broker = await sharedBroker({
  settings: (sandbox, port) => ({
    ...settings(sandbox, port),
    notify: [{ name: 'people', kind: 'generic', url: receiver.url, secret: { file: './hook.key' } }],
  }),
  files: { ...consoleBroker.files, 'hook.key': Buffer.alloc(32, 7).toString('base64') },
})
const assistant = join(import.meta.dirname, 'assistant.ts')

/** Somebody who is told what waits, and says yes to it by the link that came with it. */
receiver.answer = (response) => {
  response.writeHead(204).end()
  const { type, data } = receiver.deliveries.at(-1)!.body
  if (type === 'approval.requested') void followed(data.link)
}

async function followed(link: string): Promise<void> {
  const id = link.split('/').at(-1)!
  const browser = new Browser(broker)
  const page = await browser.open('ada', id)
  answered.push((await browser.press(page, id, 'approve', { reason: 'it is fine' })).status)
}

/** What came of each answer. */
const answered: number[] = []

it.each(versions)(
  'at %s',
  async (version) => {
    const home = await mkdtemp(join(tmpdir(), 'mayfly-session-'))
    onTestFinished(() => rm(home, { recursive: true, force: true }))
    const { github, ledger } = broker.sandbox
    const before = ledger.entries.length
    const identity = await broker.workload()
    const { status, stdout, stderr } = await mayfly(
      [
        'run',
        '--purpose',
        `a session at ${version}`,
        '--git-host',
        github.url,
        '--scope',
        'github:acme/web:contents=write',
        '--',
        process.execPath,
        assistant,
        version,
        github.url,
        home,
      ],
      {
        HOME: home,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        MAYFLY_URL: broker.url,
        MAYFLY_TOKEN: identity,
      },
    )
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const steps = new Map(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { step: string; said: never })
        .map(({ step, said }) => [step, said as Record<string, never>]),
    )
    const said = (step: string) => JSON.stringify(steps.get(step))
    const value = (step: string) =>
      (steps.get(step) as unknown as { structuredContent: object }).structuredContent

    expect(said('clone')).toBe('{"stdout":"","stderr":""}')
    expect(said('refused')).toContain('not within the scope')
    expect(said('refused token')).toContain('out_of_scope')
    expect(value('what_may_i_do')).toMatchObject({
      decision: 'pending_approval',
      details: [{ approvals: [{ group: 'security', policies: [{ id: 'infra-needs-security' }] }] }],
    })
    expect(value('request_access')).toMatchObject({ task: { status: 'active', parent: expect.any(String) } })
    expect(value('status')).toMatchObject({ task: { status: 'active' }, accesses: [{ status: 'active' }] })
    expect(said('pushed')).toBe('{"stdout":"","stderr":""}')
    expect(value('give_back')).toMatchObject({
      task: { status: 'completed', leases: [{ status: 'revoked' }] },
    })
    expect(said('refused again')).toContain('not within the scope')
    expect(value('complete_task')).toMatchObject({ task: { status: 'completed' } })

    expect(answered.splice(0)).toEqual([303])
    const tokens = ledger.entries.slice(before).map(({ secret }) => secret)
    expect(tokens.length).toBeGreaterThanOrEqual(2)
    const held = [identity, ...tokens]
    for (const [name, text] of Object.entries({ stdout, stderr, log: broker.log.join('\n') })) {
      expect(found(text, held), name).toEqual([])
      expect(text, name).not.toMatch(/mft_[\w-]{20}|ghs_\w{20}/)
      expect(text, name).not.toMatch(/open another/i)
    }
    expect(found(JSON.stringify(rows(broker, 'audit_events')), held)).toEqual([])
  },
  120_000,
)

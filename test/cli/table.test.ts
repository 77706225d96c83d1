/** Tables fit the screen, and lose nothing where nobody looks. */
import { expect, it } from 'vitest'
import { screenWidth, table } from '../../src/cli/table.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { readWeb } from '../support/broker.ts'
import { everyUpstream, permissive, aws } from '../support/every-upstream.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { hasTerminal, onTerminal } from './terminal.ts'

const broker = await sharedBroker({
  settings: everyUpstream,
  files: { ...permissive, ...agentFiles('an-agent-whose-name-is-rather-long-for-a-column') },
})
const { body: task } = await broker.open({
  authorization_details: [readWeb, aws],
  purpose: 'long '.repeat(40),
})
const { body: minted } = await broker.mint(task, readWeb)
await broker.mint(task, aws)
await broker.open(
  { authorization_details: [readWeb] },
  { sub: subjectOf('an-agent-whose-name-is-rather-long-for-a-column') },
)

const lists = [
  ['admin', 'agents'],
  ['admin', 'tasks'],
  ['admin', 'leases'],
  ['admin', 'approvals'],
  ['admin', 'fences'],
  ['audit', 'list'],
]
const env = async () => ({ MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.admin() })

it.each([80, 60, 120])(
  'no line of any list is longer than %i columns',
  async (width) => {
    for (const list of lists) {
      const { status, stdout } = await mayfly(list, { ...(await env()), COLUMNS: String(width) })
      expect(status).toBe(0)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(width)
    }
  },
  60_000,
)

it('into a pipe ids go whole', async () => {
  const { stdout } = await mayfly(['admin', 'leases'], await env())
  expect(stdout).toContain(minted.lease.id)
  expect(stdout).toContain(task.id)
  expect(stdout).toContain('github:acme/web:contents=read')
  expect(stdout).toContain('aws:arn:aws:iam::123456789012:role/deployer')
}, 30_000)

it.skipIf(!hasTerminal)(
  'on a terminal they are coloured, unless NO_COLOR says not to',
  async () => {
    const screen = async (more: Record<string, string>) =>
      (
        await onTerminal(
          ['admin', 'tasks'],
          { ...(await env()), TERM: 'xterm-256color', ...more },
          'never asked',
          '',
        )
      ).screen
    expect(await screen({})).toContain('\u001b[')
    expect(await screen({ NO_COLOR: '1' })).not.toContain('\u001b[')
  },
  30_000,
)

it('the width is that of the screen, or what COLUMNS says, or 80; a pipe has none', () => {
  expect(screenWidth({ isTTY: true, columns: 132 }, { COLUMNS: '90' })).toBe(132)
  expect(screenWidth({ isTTY: true }, { COLUMNS: '90' })).toBe(90)
  expect(screenWidth({ isTTY: true, columns: 0 }, {})).toBe(80)
  expect(screenWidth({}, {})).toBeUndefined()
  expect(screenWidth({}, { COLUMNS: 'wide' })).toBeUndefined()
})

const first = `task_${'1'.repeat(8)}${'a'.repeat(24)}`
const second = `task_${'1'.repeat(9)}${'b'.repeat(23)}`

it('ids are shortened only where room is short, and never so far that two look alike', () => {
  const rows = [
    [first, 'refactor the parser, which is old and has grown over time'],
    [second, 'the same'],
  ]
  expect(table(['ID', 'PURPOSE'], rows, 200)[1]).toContain(first)
  const lines = table(['ID', 'PURPOSE'], rows, 80)
  expect(lines[1]).toMatch(/^task_1{8}a  refactor the parser, .+ time$/)
  expect(lines[2]).toMatch(/^task_1{9}  the same$/)
})

it('what is cut says so, and where columns would be too narrow each row has lines of its own', () => {
  expect(table(['A', 'B'], [['x'.repeat(50), 'y'.repeat(50)]], 40)[1]).toBe(
    `${'x'.repeat(18)}…  ${'y'.repeat(18)}…`,
  )
  const many = Array.from({ length: 8 }, (_, n) => `COLUMN ${n}`)
  const lines = table(
    many,
    [many.map((name) => `${name} of the first`), many.map(() => 'word '.repeat(20))],
    60,
  )
  expect(lines[0]).toBe('COLUMN 0  COLUMN 0 of the first')
  expect(lines.join(' ').match(/word/g)).toHaveLength(160)
  expect(lines).toContain('')
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(60)
})

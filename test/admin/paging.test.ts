/** Paging to the end while rows are added: nothing that was there is lost, nothing comes twice. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles } from '../support/agents.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'

const infra = { ...writeWeb, repositories: ['acme/infra'] }
const names = ['a-bot', 'b-bot', 'c-bot', 'd-bot']
const broker = await describedBroker({
  files: Object.assign({}, ...names.map((name) => agentFiles(name))),
})
const token = await broker.admin()

/** Everything that the list gives, page by page; `between` runs after each. */
async function walk(path: string, limit: number, between: () => Promise<unknown> = async () => {}) {
  const seen: { id?: string; seq?: number; name?: string }[] = []
  let cursor: string | null = null
  do {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`
    const { status, body } = await broker.call('GET', `/v1/admin/${path}limit=${limit}${more}`, { token })
    expect(status).toBe(200)
    expect(body.items.length).toBeLessThanOrEqual(limit)
    seen.push(...body.items)
    cursor = body.next
    await between()
  } while (cursor !== null)
  return seen.map(({ id, seq, name }) => id ?? seq ?? name)
}

/** A task with a lease, and one that waits for approval: a row in every list. */
async function more() {
  const { body: task } = await broker.open()
  await broker.mint(task, readWeb)
  await broker.open({ authorization_details: [infra], purpose: `for ${task.id}` })
}

for (let count = 0; count < 5; count += 1) await more()

test.each([
  'tasks?',
  'tasks?agent=refactor-bot&',
  'leases?',
  'approvals?',
  'audit?',
  'audit?type=task.opened&',
])('%s…', async (path) => {
  const before = await walk(path, 200)
  expect(before.length).toBeGreaterThanOrEqual(5)
  for (const limit of [1, 2, 3]) {
    let left = 3
    const during = await walk(path, limit, async () => {
      if (left-- > 0) await more()
    })
    expect(new Set(during).size).toBe(during.length)
    const after = new Set(await walk(path, 200))
    expect(before.filter((id) => !during.includes(id))).toEqual([])
    expect(during.filter((id) => !after.has(id))).toEqual([])
  }
})

test('agents…', async () => {
  for (const limit of [1, 2, 5]) expect(await walk('agents?', limit)).toEqual([...names, 'refactor-bot'])
})

test('a cursor is good only for the list that gave it', async () => {
  const lists = ['agents', 'tasks', 'leases', 'approvals', 'audit']
  for (const list of lists) {
    const { body } = await broker.call('GET', `/v1/admin/${list}?limit=1`, { token })
    for (const other of lists) {
      const answer = await broker.call('GET', `/v1/admin/${other}?cursor=${body.next}`, { token })
      if (other === list) expect(answer.status).toBe(200)
      else expectRefusal(answer, 400, 'invalid_request')
    }
  }
})

test('a page that is exactly the last has no next', async () => {
  const { body } = await broker.call('GET', '/v1/admin/agents?limit=5', { token })
  expect(body).toMatchObject({ items: { length: 5 }, next: null })
})

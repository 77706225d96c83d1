/** Someone who can write to the database of a running broker, and wants tools to be allowed. */
import { expect, test } from 'vitest'
import type { Answer } from '../support/broker.ts'
import { beside } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { noForcedPush } from '../support/tool-policies.ts'

const broker = await describedBroker({ files: noForcedPush('Bash') })

const evaluate = (task: Answer['body'], name: string) =>
  broker.call('POST', '/access/v1/evaluation', {
    token: task.task_token,
    body: {
      subject: { type: 'Agent', id: task.agent },
      action: { name: `tool.${name}` },
      resource: { type: 'Tool', id: name },
      context: { command: 'git push --force' },
    },
  })

test('a task that is over allows nothing when its row is put back as it was', async () => {
  const { body: task } = await broker.open()
  expect((await evaluate(task, 'Read')).body).toMatchObject({ decision: true })
  const [before] = beside(broker, (db) => db.prepare('select * from tasks where id = ?').all(task.id))
  await broker.complete(task)
  const over = await evaluate(task, 'Read')
  expect(over.body).toMatchObject({ decision: false })

  const columns = Object.keys(before!).map((column) => `"${column}" = ?`)
  const putBack = `update tasks set ${columns.join()} where id = ?`
  beside(broker, (db) => db.prepare(putBack).run(...(Object.values(before!) as string[]), task.id))
  // With the next commit it is seen that somebody else has written.
  expectRefusal(await broker.open(), 503, 'unavailable')
  expectRefusal(await evaluate(task, 'Read'), 503, 'unavailable')
  // What is denied anyway is denied as ever.
  expect((await evaluate(task, 'Bash')).body).toMatchObject({ decision: false })
})

/** Opening a task in another, with that one's token. */
import { type Answer, type TestBroker, writeWeb } from './broker.ts'

/** `parent`: an opened task. Without anything said, the child may have what `writeWeb` says. */
export async function openChild(
  broker: TestBroker,
  parent: Answer['body'],
  body: Record<string, unknown> = {},
): Promise<Answer> {
  const asked = { purpose: 'a part of it', authorization_details: [writeWeb], ttl: 600, ...body }
  return await broker.call('POST', '/v1/tasks', { token: parent.task_token, body: asked })
}

/** `mayfly mcp`, driven by the official client at both versions of the protocol. */
import { describe, expect, it } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { connectMcp, versions } from './client.ts'

const broker = await sharedBroker()

describe.each(versions)('at %s', (version) => {
  const session = async () => ({ MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() })

  it('it is what it says, with five tools', async () => {
    const { client } = await connectMcp(version, await session())
    expect(client.getNegotiatedProtocolVersion()).toBe(version)
    expect(client.getServerVersion()).toMatchObject({ name: 'mayfly' })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'what_may_i_do',
      'request_access',
      'status',
      'give_back',
      'complete_task',
    ])
  })

  it('a session outside any task asks, gets, and gives back', async () => {
    const { call } = await connectMcp(version, await session())
    const asked = { authorization_details: ['github:acme/web:contents=read'] }
    expect((await call('what_may_i_do', asked)).value).toMatchObject({ decision: 'allowed' })
    expect((await call('status')).value).toEqual({ task: null, accesses: [] })
    const got = await call('request_access', { ...asked, purpose: 'a test' })
    expect(got).toMatchObject({ refused: false, value: { task: { status: 'active' } } })
    expect((await call('status')).value.accesses).toMatchObject([{ id: got.value.task.id }])
    const back = await call('give_back', { access: got.value.task.id })
    expect(back.value.task).toMatchObject({ status: 'completed' })
  })
})

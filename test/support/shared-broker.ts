import { afterAll } from 'vitest'
import { startTestBroker, type TestBroker } from './broker.ts'

/** One broker for all the tests of a file: starting one makes two RSA keys. */
export async function sharedBroker(options?: Parameters<typeof startTestBroker>[0]): Promise<TestBroker> {
  const broker = await startTestBroker(options)
  afterAll(() => broker[Symbol.asyncDispose]())
  return broker
}

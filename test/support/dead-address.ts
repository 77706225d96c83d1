import { freePort } from '../../src/sandbox/configuration.ts'

/** Where nothing listens. (`fetch` refuses ports such as 1 by itself, which is no refused connection.) */
export async function deadAddress(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`
}

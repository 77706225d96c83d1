import { afterAll, beforeAll, describe } from 'vitest'
import { storeContract } from '../contract/store.ts'
import { postgresStore } from '../support/postgres.ts'
import {
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
  systemBinaries,
  systemServer,
} from '../support/postgres-server.ts'

const system = systemBinaries()
const servers: [string, () => Promise<PostgresServer>][] = [['the newest', () => embeddedServer()]]
if (system !== undefined) servers.push(['the system’s', () => systemServer(system)])

describe.each(servers)('the PostgreSQL store on %s', (_, start) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await start()
  }, serverTakesMs)
  afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)
  storeContract(() => postgresStore(server), false)
})

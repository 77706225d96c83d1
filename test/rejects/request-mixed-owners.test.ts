import { test } from 'vitest'
import { githubConnection } from '../../src/sandbox/configuration.ts'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  settings: ({ github }) => ({
    providers: {
      github: [{ ...githubConnection(github), name: 'both', owners: ['acme', 'globex'] }],
    },
  }),
})

test('repositories of two owners in one detail are refused, also when one connection serves both', async () => {
  const detail = { ...writeWeb, repositories: ['acme/web', 'globex/api'] }
  expectRefusal(await broker.open({ authorization_details: [detail] }), 400, 'invalid_request')
})

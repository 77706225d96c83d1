/** A run that cannot have all that its tools need: it says so, and ends. */
import { expect, test } from 'vitest'
import { everyUpstream, permissive } from '../support/every-upstream.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: everyUpstream, files: permissive })

test('where Vault refuses after AWS has minted, the run says so and ends', async () => {
  const { ledger, vault } = broker.sandbox
  vault.faults.add({
    kind: 'status',
    status: 403,
    on: ({ path }) => path.startsWith('/v1/auth/token/create'),
  })
  const scopes = ['aws:arn:aws:iam::123456789012:role/deployer', 'vault:policies=ci-read']
  const asked = scopes.flatMap((scope) => ['--scope', scope])
  const line = ['run', '--purpose', 'a test', ...asked, '--', 'echo', 'started']
  const { status, stdout, stderr } = await mayfly(line, {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain('provider_rejected')
  expect(ledger.entries.filter(({ provider }) => provider === 'aws')).toHaveLength(1)
})

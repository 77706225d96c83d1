import type { ConnectionContext, Upstream } from '../../src/provider/upstream.ts'
import type { AwsConfig } from './config.ts'
import type { AwsDetail } from './detail.ts'
import { diagnose } from './diagnose.ts'
import { maintenance } from './maintain.ts'
import { mint } from './mint.ts'
import { probe } from './probe.ts'
import { recover } from './recover.ts'
import { revoke } from './revoke.ts'
import { awsAt } from './upstream.ts'

/** One account's roles in one region. */
export function connect(config: AwsConfig, context: ConnectionContext): Upstream<AwsDetail> {
  const aws = awsAt(config, context)
  const { policies } = aws
  return {
    revokesAtOnce: 1000,
    mint: (detail, intent, { signal }) => mint(detail, intent, aws, signal),
    revoke: (handles, upkeep) => revoke(handles, aws, upkeep),
    probe: (handle, { signal }) => probe(handle, aws, signal),
    recover: (intent, { signal }) => recover(intent, aws, signal),
    diagnose: ({ signal }) => diagnose(aws, signal),
    ...(policies && { room: (role) => policies.slots(role), maintain: maintenance(config, policies) }),
  }
}

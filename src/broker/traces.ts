/** Each call of an upstream in a span, and measured: attached where the parts are joined, so that none of them knows. */
import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { ConnectionEntry } from '../leases/connections.ts'
import { ProviderError } from '../provider/failure.ts'
import type { RevocationOutcome, Upstream } from '../provider/upstream.ts'
import type { UpstreamCall } from './metrics.ts'

const tracer = trace.getTracer('mayfly')

/** Runs `work` in a span of this name. */
async function traced<T>(
  name: string,
  attributes: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  return await tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work()
    } catch (error) {
      // The message may hold what an upstream said; the kind of failure is enough for a trace.
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' })
      throw error
    } finally {
      span.end()
    }
  })
}

/** The code under which a failure is told. */
function codeOf(error: unknown): UpstreamCall['failures'][number] {
  if (!(error instanceof ProviderError)) return 'internal'
  return error.kind === 'rejected' ? 'provider_rejected' : 'provider_unavailable'
}

/**
 * The connection's upstream with a span around each call that a running broker makes, and
 * `called` told of it. Upstreams are plain objects: the methods of a class would be lost here.
 */
export function watchedUpstream(
  { provider, name: connection, upstream }: ConnectionEntry,
  called: (call: UpstreamCall) => void,
): Upstream {
  const attributes = { 'mayfly.provider': provider.type, 'mayfly.connection': connection }

  async function watched<T>(
    operation: UpstreamCall['operation'],
    call: () => Promise<T>,
    failuresIn: (answer: T) => readonly unknown[] = () => [],
  ): Promise<T> {
    const began = performance.now()
    const tell = (errors: readonly unknown[]) =>
      called({
        provider: provider.type,
        connection,
        operation,
        seconds: (performance.now() - began) / 1000,
        failures: errors.map(codeOf),
      })
    try {
      const answer = await traced(`mayfly.${operation}`, attributes, call)
      tell(failuresIn(answer))
      return answer
    } catch (error) {
      tell([error])
      throw error
    }
  }

  const failed = (outcomes: RevocationOutcome[]) =>
    outcomes.flatMap((outcome) => (outcome.done ? [] : [outcome.error]))
  const maintain: Upstream['maintain'] = (...call) =>
    watched('maintain', async () => await upstream.maintain?.(...call))
  return {
    ...upstream,
    mint: (...call) => watched('mint', () => upstream.mint(...call)),
    revoke: (...call) => watched('revoke', () => upstream.revoke(...call), failed),
    ...(upstream.maintain && { maintain }),
    recover: (...call) => watched('recover', () => upstream.recover(...call)),
    probe: (...call) => watched('probe', () => upstream.probe(...call)),
  }
}

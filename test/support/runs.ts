/** Jobs as GitHub Actions' tokens tell them apart. */
import type { Sandbox } from '../../src/sandbox/sandbox.ts'

/** A broker that knows a session of its issuer by these claims. */
export const withSessions = (session = ['run_id', 'run_attempt', 'check_run_id']) => ({
  settings: (sandbox: Sandbox) => ({ issuers: { sandbox: { issuer: sandbox.issuer.url, session } } }),
})

let latest = 1000

/** The claims of a job that nothing else is: one of the first attempt of a run. */
export function aRun() {
  latest += 1
  return { run_id: String(latest), run_attempt: '1', check_run_id: String(latest + 900_000) }
}

/** The same job, run again. */
export function rerun({ run_id }: ReturnType<typeof aRun>) {
  latest += 1
  return { run_id, run_attempt: '2', check_run_id: String(latest + 900_000) }
}

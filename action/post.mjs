/** Completes the job's task, however the job and `main` ended. */
import { call, Refused, waits } from './broker.mjs'
import { mask, messageOf, say, state } from './runner.mjs'

try {
  await post()
} catch (error) {
  say('error', `the task is not known to be over, and ends at its ttl: ${messageOf(error)}`)
  process.exitCode = 1
}

async function post() {
  const url = state('url')
  if (url === '') return
  const task =
    state('task') && state('token') ? { id: state('task'), token: state('token') } : await found(url)
  if (!task) return
  const ended = await call(url, `/v1/tasks/${task.id}/complete`, {
    token: task.token,
    forMs: 120_000,
    waitMs: waits.ending,
  }).catch(none(401, 404))
  const left = (ended?.leases ?? []).filter(
    ({ status, fingerprint, damaged }) =>
      !['revoked', 'expired', 'failed'].includes(status) &&
      // What was lost in its mint was given to nobody.
      !(['revoking', 'irrevocable'].includes(status) && fingerprint === null && damaged === undefined),
  )
  for (const { id, status, deadline } of left)
    say('warning', `${id} is ${status}: it was not seen dead yet, and ends at ${deadline} at the latest`)
}

/** `main` died before it knew its task: the same request, with its key, gives it again. Nothing can have been minted in it. */
async function found(url) {
  const opened = await call(url, '/v1/tasks', {
    token: state('identity'),
    body: state('body'),
    key: state('key'),
    forMs: 10_000,
    waitMs: waits.keys,
    // It was refused then too, or has run out since.
  }).catch(none(400, 401, 403, 409, 422))
  if (!opened) return undefined
  mask(opened.task_token)
  return { id: opened.id, token: opened.task_token }
}

/** Refusals that say that there is no such task, which waiting does not change. */
function none(...statuses) {
  return (error) => {
    if (error instanceof Refused && statuses.includes(error.status)) return undefined
    throw error
  }
}

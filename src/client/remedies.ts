/** What to do about a refusal, one line for each of the broker's codes. */
import type { ErrorCode } from '../base/errors.ts'

/** Codes without an entry pass by themselves. */
const remedies: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'Correct the request; `--help` tells what the command takes.',
  invalid_token: "Get a fresh token whose audience is the broker's url, from an issuer that it trusts.",
  token_replayed: 'Get a fresh token: each opens one task.',
  unknown_agent: 'Have an agent whose rules match this identity added to the configuration.',
  agent_suspended: 'Ask whoever suspended the agent.',
  agent_expired: 'Have the owner review the agent and set its next review date.',
  fenced: 'Ask an admin who can see and lift the fence: `mayfly admin fences`.',
  policy_denied: 'Ask for less, or have the policy changed.',
  out_of_scope:
    "Ask for what is within the task's scope, or open a child of it for more: `mayfly task open` in the task.",
  forbidden: 'Use the token of an admin who has this right, with the audience that admins have.',
  not_found: 'Check the id or name; a task shows itself to its own task token alone.',
  task_not_active:
    'While it waits for approval: `mayfly task wait`. Once it is over, nothing more can be done in it.',
  context_changed: 'Begin again, in a task opened with the context as it is now.',
  conflict: 'Correct what it names, or look at how things stand now; then decide again.',
  provider_rejected: 'Check that upstream has granted the app what was asked for.',
}

/** `retryAfter` in seconds, where the broker has said so. */
export function remedyFor(code: ErrorCode, retryAfter?: number): string {
  const later = retryAfter === undefined ? 'Try again later.' : `Try again in ${retryAfter} seconds.`
  return remedies[code] ?? later
}

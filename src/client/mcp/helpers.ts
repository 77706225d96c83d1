/** What helpers are told by an MCP server of what was opened in it: tokens for git, and in which task to mint. */
import { systemClock } from '../../base/clock.ts'
import type { AuthorizationDetail, Client, TaskAccess } from '../client.ts'
import { gitCredential } from '../git-credential.ts'
import { GitTokens, NoGitCredential } from '../git-tokens.ts'
import { KeptCredentials } from '../kept.ts'
import { BrokerProblem } from '../problem.ts'
import type { Question } from '../run/git-socket.ts'
import type { Access, Accesses } from './accesses.ts'
import { askServers, type Meeting } from './rendezvous.ts'

/** What is said of a task that is over. */
const isOver: readonly BrokerProblem['code'][] = ['task_not_active', 'not_found', 'invalid_token']

/** The one question that is not git's: the tasks, as JSON. */
const tasks = 'tasks'

/** Answers helpers. What none of the accesses holds is answered with nothing: the task that is outside may have it. */
export function helperAnswers(client: Client, accesses: Accesses) {
  const tokens = new Map<string, GitTokens>()
  const tokensOf = ({ task, latest }: Access): GitTokens => {
    const known = tokens.get(task.id)
    if (known) return known
    const ends = Date.parse(latest.expires_at)
    const kept = new KeptCredentials({ client, task, clock: systemClock(), ends })
    const made = new GitTokens({ client, task, kept })
    tokens.set(task.id, made)
    return made
  }
  return async ({ action, input, hosts = [] }: Question): Promise<string> => {
    const active = accesses.standing.filter(({ latest }) => latest.status === 'active')
    if (action === tasks)
      return JSON.stringify(active.map(({ task, latest }) => ({ task, scope: latest.authorization_details })))
    for (const access of active) {
      try {
        const answer = await gitCredential(action, input, { tokens: () => tokensOf(access), hosts })
        if (answer !== '') return answer
      } catch (error) {
        const elsewhere = error instanceof NoGitCredential
        const over = error instanceof BrokerProblem && isOver.includes(error.code)
        if (!elsewhere && !over) throw error
      }
    }
    return ''
  }
}

interface Opened {
  task: TaskAccess
  scope: AuthorizationDetail[]
}

/** What git is to be answered out of what was opened; undefined where nothing of it is for this. */
export async function gitAnswer(
  meeting: Meeting,
  env: Record<string, string | undefined>,
  question: Omit<Question, 'task'>,
): Promise<string | undefined> {
  for await (const answer of askServers(meeting, env, question)) if (answer !== '') return answer
  return undefined
}

/** The task among those that were opened in which `detail` may be had; the broker has the last word. */
export async function openedFor(
  meeting: Meeting,
  env: Record<string, string | undefined>,
  detail: AuthorizationDetail,
): Promise<TaskAccess | undefined> {
  for await (const answer of askServers(meeting, env, { action: tasks, input: '' })) {
    const opened = JSON.parse(answer) as Opened[]
    const found = opened.find(({ scope }) => scope.some((outer) => mayHold(outer, detail)))
    if (found) return found.task
  }
  return undefined
}

/** Whether all that `inner` names is named in `outer`. Which level of a permission holds which, only its provider knows. */
function mayHold(outer: unknown, inner: unknown): boolean {
  if (Array.isArray(outer) && Array.isArray(inner)) return inner.every((each) => outer.includes(each))
  if (!isObject(outer) || !isObject(inner)) return outer === inner
  return Object.entries(inner).every(([name, value]) => {
    if (!Object.hasOwn(outer, name)) return name === 'actions' || name === 'resources'
    return name === 'permissions' ? sameNames(outer[name], value) : mayHold(outer[name], value)
  })
}

function sameNames(outer: unknown, inner: unknown): boolean {
  return isObject(outer) && isObject(inner) && Object.keys(inner).every((name) => Object.hasOwn(outer, name))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

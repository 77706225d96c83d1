/**
 * The MCP server of one session: what its model may do, asking for more, and giving back. No tool
 * answers with a credential or a token of any kind; git and other tools get theirs from
 * the helpers, out of what was opened here (docs/decisions/0054).
 */
import { randomBytes } from 'node:crypto'
import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  inputRequired,
  type InputRequiredResult,
  McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { AuthorizationDetail, Client, Explanation, OpenTask, Task, TaskAccess } from '../client.ts'
import type { Access, Accesses } from './accesses.ts'
import { failure, NotAScope, result, taskAnswer } from './answers.ts'

export interface Session {
  client: Client
  /** The task that it all happens in; undefined where each request opens one of its own. */
  task: TaskAccess | undefined
  /** For a question to the broker: the task's token, or a fresh identity token. */
  token: () => Promise<string>
  accesses: Accesses
  /** What the command line's shorthand stands for. @throws Error that says what is expected. */
  parseScope: (text: string) => AuthorizationDetail
  /** Takes out what looks like a secret: the last net. */
  redact: (text: string) => string
  version: string
}

/** Seconds that a call waits for approvals: less than what clients commonly wait for an answer. */
const waitSeconds = 45

/** How often a person is asked in one call whether to go on waiting. */
const mostRounds = 5

const detail = z
  .union([z.string().max(2000), z.looseObject({ type: z.string() })])
  .describe('As "github:acme/web:contents=write", or an RFC 9396 authorization detail')
const details = z.array(detail).max(20)
const words = z.record(z.string(), z.string())
const seconds = z.int().min(0).max(55).default(waitSeconds)
const access = z.string().max(100).describe('The id that request_access answered, task_…')

/** Kept between the rounds of one call. */
interface Round {
  access: string
  round: number
}

/** Makes the server of one connection. */
export function createServer(session: Session): McpServer {
  const { client, accesses, version } = session
  const state = createRequestStateCodec<Round>({ key: randomBytes(32), ttlSeconds: 3600 })
  const server = new McpServer(
    { name: 'mayfly', title: 'Mayfly', version },
    { instructions, requestState: { verify: (text, ctx) => state.verify(text, ctx) } },
  )
  const run = async <Answer>(work: () => Promise<Answer>): Promise<Answer | CallToolResult> => {
    try {
      return await work()
    } catch (error) {
      return failure(error, session.redact)
    }
  }
  const answer = (value: object, text: string) => result(value, text, session.redact)
  const asDetails = (written: z.output<typeof details>) =>
    written.map((each) => (typeof each === 'string' ? parsed(each, session) : (each as AuthorizationDetail)))

  server.registerTool(
    'what_may_i_do',
    {
      title: 'What may I do?',
      description:
        'Tells what this session may have, and for each thing asked about whether it is allowed, whose approval it would wait for, or which policies deny it and why. Asks for nothing and changes nothing.',
      inputSchema: z.object({
        authorization_details: details.optional().describe('Left out: an overview'),
        purpose: z.string().max(1000).optional(),
        ttl: z.int().min(1).optional().describe('Seconds'),
        context: words.optional(),
      }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ authorization_details: written, ...rest }) =>
      run(async () => {
        const explained = await client.explain(await session.token(), {
          ...rest,
          ...(written && { authorization_details: asDetails(written) }),
        })
        return answer(explained, explained.details.map(whatToDo).join('\n'))
      }),
  )

  server.registerTool(
    'request_access',
    {
      title: 'Request access',
      description:
        'Asks for what the session does not have yet. Where people have to approve it, waits for them. Afterwards git uses it by itself, and other programs with `mayfly token --scope …`: there is no credential in the answer.',
      inputSchema: z.object({
        authorization_details: details.min(1),
        purpose: z.string().min(1).max(1000).describe('What it is for: people read it before they approve'),
        ttl: z.int().min(1).optional().describe('Seconds for which it is needed'),
        context: words.optional(),
        wait: seconds.describe('Seconds to wait for approvals'),
      }),
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    ({ authorization_details: written, wait, ...rest }, ctx) =>
      run(async () => {
        const earlier = ctx.mcpReq.requestState<Round>()
        const request: OpenTask = { ...rest, authorization_details: asDetails(written) }
        const asked = earlier ? accesses.get(earlier.access) : await accesses.open(request)
        if (earlier && refused(ctx)) return taskResult(await accesses.complete(asked, ctx.mcpReq.signal))
        const task = await accesses.wait(asked, wait, ctx.mcpReq.signal)
        const round = (earlier?.round ?? 0) + 1
        if (task.status !== 'pending_approval' || round > mostRounds || !mayAsk(server, ctx))
          return taskResult(task)
        return await askToWait(asked, round, ctx)
      }),
  )

  server.registerTool(
    'status',
    {
      title: 'Status',
      description:
        'The task of this session and what was opened in it, with what each may do, until when, and who still has to approve. With `access` and `wait`, waits for its approval.',
      inputSchema: z.object({ access: access.optional(), wait: seconds.default(0) }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ access: id, wait }, ctx) =>
      run(async () => {
        if (id !== undefined)
          return taskResult(await accesses.wait(accesses.get(id), wait, ctx.mcpReq.signal))
        const task = session.task && (await client.showTask(session.task))
        const looked = await Promise.all(accesses.standing.map((each) => accesses.look(each)))
        const opened = looked.filter((each) => each !== undefined)
        return answer(
          { task: task ?? null, accesses: opened },
          [...(task ? [task] : []), ...opened].map((each) => taskAnswer(each)).join('\n\n') ||
            'Nothing is open.',
        )
      }),
  )

  server.registerTool(
    'give_back',
    {
      title: 'Give back',
      description:
        'Gives back what is not needed any more: all that request_access opened under this id, or one lease of it. Its credentials are revoked.',
      inputSchema: z.object({
        access,
        lease: z.string().max(100).optional().describe('lease_…, one credential'),
      }),
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ access: id, lease }, ctx) =>
      run(async () => {
        const opened = accesses.get(id)
        if (lease !== undefined) {
          const given = await client.giveBack(opened.task, lease, { signal: ctx.mcpReq.signal })
          return answer({ lease: given }, `${given.id} is ${given.status}.`)
        }
        return taskResult(await accesses.complete(opened, ctx.mcpReq.signal))
      }),
  )

  server.registerTool(
    'complete_task',
    {
      title: 'Complete the task',
      description:
        'Ends the work of this session: its task and all that was opened in it. Every credential is revoked, and nothing more can be had.',
      inputSchema: z.object({}),
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    (_none, ctx) =>
      run(async () => {
        await accesses.completeAll()
        if (!session.task) return answer({ task: null }, 'All that was opened is over.')
        return taskResult(await client.complete(session.task, { signal: ctx.mcpReq.signal }))
      }),
  )

  const taskResult = (task: Task) => answer({ task }, taskAnswer(task))

  /** A person at the client is told who decides, and may give up. */
  async function askToWait(
    { task, latest }: Access,
    round: number,
    ctx: ServerContext,
  ): Promise<InputRequiredResult> {
    const message = `${taskAnswer(latest)}\nGo on waiting?`
    return inputRequired({
      inputRequests: {
        wait: inputRequired.elicit({
          message: session.redact(message),
          requestedSchema: {
            type: 'object',
            properties: { wait: { type: 'boolean', title: 'Go on waiting', default: true } },
          },
        }),
      },
      requestState: await state.mint({ access: task.id, round }, ctx),
    })
  }

  return server
}

/** In the names of the tools. */
function whatToDo({ decision, in_task, approvals, remedy }: Explanation['details'][number]): string {
  if (in_task) return `${decision}: this session has it already.`
  const groups = approvals.map(({ group }) => group).join(' and ')
  if (decision === 'allowed') return `${decision}: ask for it with request_access.`
  if (decision === 'denied') return `${decision}: ${remedy}`
  return `${decision}: ${groups} will be asked when you ask for it with request_access, which waits for the answer.`
}

function parsed(text: string, { parseScope }: Session): AuthorizationDetail {
  try {
    return parseScope(text)
  } catch (error) {
    throw new NotAScope(error instanceof Error ? error.message : 'it cannot be read')
  }
}

function mayAsk(server: McpServer, ctx: ServerContext): boolean {
  // With each request since 2026-07-28, once for all before.
  const envelope = ctx.mcpReq.envelope as Record<string, ClientCapabilities | undefined> | undefined
  const said = envelope ? envelope[CLIENT_CAPABILITIES_META_KEY] : server.server.getClientCapabilities()
  const { elicitation } = said ?? {}
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)
}

/** Whether the person has said that nobody need wait any more. */
function refused({ mcpReq: { inputResponses } }: ServerContext): boolean {
  const given = inputResponses?.['wait'] as { action?: string; content?: { wait?: boolean } } | undefined
  return given?.action !== 'accept' || given.content?.wait === false
}

const instructions = `Mayfly gives this session credentials that live no longer than its task. None of them is ever shown here, and none is needed: git uses what is open by itself, other programs get theirs with \`mayfly token --scope …\`.
When something is refused, ask what_may_i_do about it. What it says is allowed or waits for approval, ask for with request_access, as little of it as will do, and say in \`purpose\` what it is for. Give back what is not needed any more.`

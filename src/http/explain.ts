/** What a workload may do here, and what would be needed for it: nothing is kept, and no token is used up. */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi'
import { explainTo, type Explained, type ExplainedDetail } from '../tasks/explain.ts'
import * as shapes from '../wire/explain-schemas.ts'
import { agentOf, byWorkloadOrTask } from './authentication.ts'
import { strictJson } from './body.ts'
import type { Env, HttpContext } from './context.ts'
import { answers, jsonBody, taskToken, workloadToken } from './openapi.ts'

const explain = createRoute({
  method: 'post',
  path: '/v1/explain',
  operationId: 'explain',
  summary: 'What may I do here, and what would this need? Nothing is kept, and no token is used up',
  security: [...workloadToken, ...taskToken],
  middleware: [byWorkloadOrTask, strictJson] as const,
  request: { body: jsonBody(shapes.explainBody) },
  responses: answers({
    200: {
      schema: shapes.explanation,
      description: 'per detail: allowed, waiting for whom, or denied by what',
    },
  }),
})

export function explainRoutes(
  app: OpenAPIHono<Env>,
  { explanations }: Pick<HttpContext, 'explanations'>,
): void {
  app.openapi(explain, async (c) => {
    const { core, inForce, limits, asker, requestId } = c.var
    const { authorization_details: authorizationDetails = [], ...rest } = c.req.valid('json')
    if ('verified' in asker) {
      const agent = await agentOf(c.var, asker.verified.principal, rest.agent)
      await limits.admitAgent(inForce.rules.agents.shareOf(agent.name, agent.owner))
    }
    const explained = await explainTo(core, inForce.rules, { ...rest, asker, authorizationDetails })
    explanations.count(explained, requestId)
    return c.json(explanationView(explained, 'task' in asker), 200)
  })
}

function explanationView(explained: Explained, inTask: boolean): z.infer<typeof shapes.explanation> {
  const { agent, owner, ttl, maxTtl, decision, details, overview = null } = explained
  return {
    agent,
    owner,
    ttl,
    max_ttl: maxTtl,
    decision: decision?.outcome ?? null,
    approvals: decision?.outcome === 'pending_approval' ? decision.approvals : [],
    denials: decision?.outcome === 'denied' ? decision.denials : [],
    details: details.map((detail) => detailView(detail, inTask)),
    overview,
  }
}

function detailView(
  detail: ExplainedDetail,
  inTask: boolean,
): z.infer<typeof shapes.explanation>['details'][number] {
  const { asked, outcome, revocation, approvals, denials, permits = [] } = detail
  return {
    authorization_detail: asked as z.infer<
      typeof shapes.explanation
    >['details'][number]['authorization_detail'],
    decision: outcome,
    in_task: detail.inTask,
    class: detail.class,
    revocation,
    approvals,
    denials,
    permits,
    remedy: remedyOf(detail, inTask),
  }
}

function remedyOf(
  { class: group, outcome, inTask, approvals, permits, beyond }: ExplainedDetail,
  within: boolean,
): string {
  const open = within ? 'open a child task for it with the task token' : 'open a task for it'
  switch (outcome) {
    case 'allowed':
      if (inTask) return group === 'tool' ? 'Call it.' : 'Mint it in this task.'
      return `Nothing is in the way: ${open}.`
    case 'pending_approval': {
      const groups = approvals.map(({ group }) => group).join(' and ')
      return `${groups} ${approvals.length > 1 ? 'decide' : 'decides'}: ${open}, then wait for it with \`mayfly task wait\`.`
    }
    case 'denied':
      if (beyond) return `${beyond.code}: ${beyond.message}.`
      if (!permits) return 'Ask for something else, or have the policy changed.'
      return permits.length > 0
        ? `Ask for no more than ${permits.map(({ id }) => id).join(' or ')} permits, or have the policy changed.`
        : 'No policy permits anything there: ask for something else, or have the policy changed.'
  }
}

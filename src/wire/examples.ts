/** An example of what each operation takes and answers with, by its `operationId`: for whoever reads `/openapi.json`. */
import type { z } from 'zod'
import type { clientMetadata } from './client-metadata.ts'
import type * as shapes from './admin-schemas.ts'
import type * as explanations from './explain-schemas.ts'
import type * as oauth from './oauth-schemas.ts'
import type * as schemas from './schemas.ts'
import type * as sts from './sts-schemas.ts'
import type * as tools from './tool-schemas.ts'

const [opened, minted, ended, deadline] = [
  '2026-11-02T09:00:00.000Z',
  '2026-11-02T09:00:01.000Z',
  '2026-11-02T09:04:30.000Z',
  '2026-11-02T09:15:00.000Z',
]
const detail = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'write' } }
const fingerprint = 'b3J5g0Tn5cJw1rN0aV0hV8bJ2n6mQp4yS7xKfLd9eUc='
const digest = '5d1fbb0d6b4ab1c4dd93ea5b2e1d1c0bcab2b8f7d8c5d2f0f7f3b1a9e6c40d27'
const mac = '8Yp0q4bqkCq3b8pD1u5m0QnE8yqf3Ywz6l7rG1r9dXo'

const lease = {
  id: 'lease_0199a1b2c3d4e5f60718293a4b5c6d7e',
  task: 'task_0199a1b2c3d4e5f60718293a4b5c6d7e',
  provider: 'github',
  connection: 'acme',
  status: 'active',
  authorization_detail: detail,
  class: 'write',
  revocation: 'immediate',
  created_at: minted,
  deadline,
  upstream_expires_at: '2026-11-02T10:00:01.000Z',
  stands_until: '2026-11-02T10:00:01.000Z',
  live_until: null,
  ended_at: null,
  fingerprint,
  evidence: null,
} satisfies z.input<typeof schemas.lease>

const revoked = {
  ...lease,
  status: 'revoked',
  ended_at: ended,
  evidence: { result: 'dead', method: 'GET /installation/repositories answered 401', at: ended },
} satisfies z.input<typeof schemas.lease>

const adminLease = {
  ...lease,
  agent: 'refactor-bot',
  owner: 'ada@acme.dev',
  attempts: 0,
  failing_since: null,
} satisfies z.input<typeof shapes.adminLease>

const task = {
  id: lease.task,
  status: 'active',
  agent: 'refactor-bot',
  owner: 'ada@acme.dev',
  session: {
    issuer: 'https://token.actions.githubusercontent.com',
    claims: { run_id: '7', run_attempt: '1' },
  },
  purpose: 'refactor the parser',
  authorization_details: [detail],
  upstreams: [{ provider: 'github', connection: 'acme', host: 'github.com' }],
  ttl: 900,
  context: {},
  parent: null,
  created_at: opened,
  expires_at: deadline,
  ended_at: null,
  end_reason: null,
  approvals: [],
  leases: [],
} satisfies z.input<typeof schemas.task>

const completed = {
  ...task,
  status: 'completed',
  ended_at: ended,
  end_reason: 'completed',
  leases: [revoked],
} satisfies z.input<typeof schemas.task>

const taskToken = 'mft_…'
const credential = { token: 'ghs_…' }

const asked = {
  id: 'appr_0199a1b2c3d4e5f60718293a4b5c6d7e',
  group: 'security',
  digest,
  policies: [{ id: 'infra-needs-security', description: 'Security looks at every change first' }],
  status: 'pending',
  by: null,
  at: null,
} satisfies z.input<typeof schemas.approval>

const { approvals: _approvals, leases: _leases, ...waiting } = task
const approvalRequest = {
  ...asked,
  request: {
    task: task.id,
    agent: task.agent,
    issuer: task.session.issuer,
    subject: 'repo:acme/web:ref:refs/heads/main',
    purpose: task.purpose,
    scope: [{ provider: 'github', connection: 'acme', detail }],
    ttl: task.ttl,
    context: {},
    parent: null,
    groups: ['security'],
  },
  reason: null,
  task: { ...waiting, status: 'pending_approval' },
  created_at: opened,
  waited: 12,
} satisfies z.input<typeof shapes.approvalRequest>

const agent = {
  name: 'refactor-bot',
  owner: 'ada@acme.dev',
  purpose: 'Opens refactoring pull requests',
  environment: 'dev',
  review_by: '2027-06-30',
  max_ttl: 3600,
  status: 'active',
  suspension: null,
  open_tasks: 1,
  live_leases: 1,
} satisfies z.input<typeof shapes.agent>

const suspended = {
  ...agent,
  status: 'suspended',
  suspension: { by: 'https://acme.okta.com:00u1', reason: 'odd behaviour', at: ended },
  open_tasks: 0,
  live_leases: 0,
} satisfies z.input<typeof shapes.agent>

const fence = {
  id: 'fence_0199a1b2c3d4e5f60718293a4b5c6d7e',
  selector: { agent: 'refactor-bot' },
  status: 'standing',
  agents: ['refactor-bot'],
  reason: 'odd behaviour',
  by: 'https://acme.okta.com:00u1',
  at: ended,
  until: null,
} satisfies z.input<typeof schemas.fence>

const event = {
  seq: 1204,
  at: minted,
  type: 'lease.minted',
  actor: 'broker',
  agent: task.agent,
  owner: task.owner,
  task: task.id,
  lease: lease.id,
  status: 'active',
  data: { fingerprint },
  request_id: 'req_0199a1b2c3d4e5f60718293a4b5c6d7e',
  key: 'k1',
  previous: mac,
  mac,
} satisfies z.input<typeof shapes.auditEvent>

const reason = { reason: 'odd behaviour' }
const answer = { digest, reason: 'as agreed' } satisfies z.input<typeof shapes.answerBody>
const page = <Item>(item: Item) => ({ items: [item], next: null })

interface Example {
  body?: unknown
  answer?: unknown
  /** Answers with another status than most. */
  others?: Record<string, unknown>
}

export const examples: Record<string, Example> = {
  openTask: {
    body: { purpose: task.purpose, authorization_details: [detail], ttl: 900 } satisfies z.input<
      typeof schemas.openBody
    >,
    answer: { ...task, task_token: taskToken } satisfies z.input<typeof schemas.openedTask>,
    others: {
      200: {
        decision: 'pending_approval',
        agent: task.agent,
        owner: task.owner,
        ttl: 900,
        approvals: ['security'],
        denials: [],
        leases: [
          {
            provider: 'github',
            connection: 'acme',
            authorization_detail: detail,
            class: 'write',
            revocation: 'immediate',
          },
        ],
      } satisfies z.input<typeof schemas.dryRun>,
    },
  },
  delegate: {
    body: { agent: 'docs-bot', authorization_details: [detail], ttl: 300 } satisfies z.input<
      typeof schemas.delegationBody
    >,
    answer: { delegation: 'mfd_…', expires_at: '2026-11-02T09:05:00.000Z' } satisfies z.input<
      typeof schemas.delegation
    >,
  },
  readTask: { answer: { ...task, leases: [lease] } },
  mintCredential: {
    body: { authorization_detail: detail },
    answer: { lease, credential, host: 'github.com' } satisfies z.input<typeof schemas.minted>,
  },
  giveBackLease: { answer: revoked },
  heartbeat: {
    body: { context: { model: 'a-model-2' } } satisfies z.input<typeof schemas.heartbeatBody>,
    answer: { id: lease.task, status: 'active', expires_at: deadline, heartbeat: 60 } satisfies z.input<
      typeof schemas.heard
    >,
  },
  completeTask: { answer: completed },
  explain: {
    body: { authorization_details: [detail] } satisfies z.input<typeof explanations.explainBody>,
    answer: {
      agent: task.agent,
      owner: task.owner,
      ttl: 900,
      max_ttl: 3600,
      decision: 'allowed',
      approvals: [],
      denials: [],
      details: [
        {
          authorization_detail: detail,
          decision: 'allowed',
          in_task: true,
          class: 'write',
          revocation: 'immediate',
          approvals: [],
          denials: [],
          permits: [],
          remedy: 'Ask for it.',
        },
      ],
      overview: null,
    } satisfies z.input<typeof explanations.explanation>,
  },
  evaluateAccess: {
    body: {
      subject: { type: 'Agent', id: task.agent },
      action: { name: 'tool.publish' },
      resource: { type: 'Tool', id: 'npm' },
    } satisfies z.input<typeof tools.evaluationBody>,
    answer: { decision: true } satisfies z.input<typeof tools.evaluation>,
  },
  readAccessMetadata: {
    answer: {
      policy_decision_point: 'https://mayfly.acme.dev',
      access_evaluation_endpoint: 'https://mayfly.acme.dev/access/v1/evaluation',
    } satisfies z.input<typeof tools.authzenMetadata>,
  },
  recordToolCall: {
    body: { name: 'publish', resource: 'npm', digest, outcome: 'succeeded' } satisfies z.input<
      typeof tools.toolEventBody
    >,
    answer: { name: 'publish', resource: 'npm', digest, outcome: 'succeeded', at: minted } satisfies z.input<
      typeof tools.toolEvent
    >,
  },
  exchangeToken: {
    body: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'eyJ…',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      authorization_details: JSON.stringify([detail]),
    } satisfies z.input<typeof oauth.exchangeForm>,
    answer: {
      access_token: credential.token,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 899,
      authorization_details: [detail],
      credential,
      host: 'github.com',
      task: { ...task, leases: [lease] },
      task_token: taskToken,
      lease,
    } satisfies z.input<typeof oauth.exchanged>,
  },
  stsExchange: {
    answer: { token: credential.token, refreshToken: '', expiry: null } satisfies z.input<
      typeof sts.rawToken
    >,
  },
  stsExchangePosted: {
    body: { scopes: ['acme/web'], identity: 'release' } satisfies z.input<typeof sts.stsBody>,
    answer: { token: credential.token, refreshToken: '', expiry: null } satisfies z.input<
      typeof sts.rawToken
    >,
  },
  revokeToken: { body: { token: credential.token } satisfies z.input<typeof oauth.revokeForm> },
  orderRevocation: {
    body: { selector: { task: task.id }, reason: 'it misbehaves' } satisfies z.input<
      typeof schemas.revocationBody
    >,
    answer: {
      id: 'rev_0199a1b2c3d4e5f60718293a4b5c6d7e',
      tasks: [task.id],
      matched: 1,
      revoked: 1,
      pending: 0,
      irrevocable: 0,
      leases: [revoked],
      fence: null,
    } satisfies z.input<typeof schemas.revocation>,
  },
  approveRequest: { body: answer, answer: task },
  denyRequest: { body: answer, answer: { ...task, status: 'denied', ended_at: ended, end_reason: 'denied' } },
  suspendAgent: { body: reason, answer: suspended },
  resumeAgent: { body: reason, answer: agent },
  raiseFence: { body: { selector: fence.selector, ...reason }, answer: fence },
  liftFence: { answer: { ...fence, status: 'over' } },
  reloadConfiguration: {
    answer: { status: 'reloaded', warnings: [] } satisfies z.input<typeof shapes.reloaded>,
  },
  listAgents: { answer: page(agent) },
  listTasks: { answer: page({ ...task, leases: [lease] }) },
  listLeases: { answer: page(adminLease) },
  listApprovals: { answer: page(approvalRequest) },
  listFences: { answer: page(fence) },
  listAudit: { answer: page(event) },
  readEvent: { answer: event },
  find: {
    body: { fingerprint } satisfies z.input<typeof shapes.clue>,
    answer: { items: [{ kind: 'credential', task, lease: adminLease }] } satisfies z.input<
      typeof shapes.findings
    >,
  },
  getClientMetadata: {
    answer: {
      url: 'https://mayfly.acme.dev',
      ca: null,
      issuers: [
        {
          name: 'okta',
          issuer: 'https://acme.okta.com',
          client_id: 'mayfly',
          admin_client_id: 'mayfly-admin',
          scopes: ['openid', 'email', 'groups', 'offline_access'],
          audiences: ['https://mayfly.acme.dev', 'mayfly'],
          admin_audiences: ['mayfly-admin'],
          ca: null,
        },
      ],
    } satisfies z.input<typeof clientMetadata>,
  },
  readHealth: { answer: { status: 'ok' } },
  readReadiness: { answer: { status: 'ready', brokers: 3, configurations: 1 } },
  readMetrics: { answer: 'mayfly_leases{provider="github",status="active"} 1\n' },
}

/** A request for approval as whoever answers it sees it: all that the yes is bound to, and why it is asked. */
import type { z } from '@hono/zod-openapi'
import { html } from 'hono/html'
import { visible, visibleJson } from '../base/text.ts'
import type { Admin } from '../control/authenticate.ts'
import type * as shapes from '../wire/admin-schemas.ts'
import type { Html } from './page.ts'
import type { Session } from './sessions.ts'

type Request = z.infer<typeof shapes.approvalRequest>

export interface Shown {
  asked: Request
  admin: Admin
  /** Those for which they may approve. */
  groups: readonly string[]
  session: Session
  /** Where forms lead. */
  path: string
  logout: string
  /** Blacks out what looks like a secret: callers' own words may hold one. */
  redact: (text: string) => string
}

/** In one line: who waits for whom. */
export function titleOf({ task, group, status }: Request): string {
  if (status === 'pending') return `${task.agent} waits for the yes of ${group}`
  return `${task.agent} asked for the yes of ${group}: ${status}`
}

export function approvalPage(shown: Shown): Html[] {
  const { asked, admin, session, logout } = shown
  return [
    facts(shown),
    answering(shown),
    html`<footer>
      <p>Logged in as ${visible(admin.email ?? admin.id)}.</p>
      <form method="post" action="${logout}">
        <input type="hidden" name="csrf" value="${session.csrf}" />
        <button>Log out</button>
      </form>
      <p><code>${asked.id}</code></p>
    </footer>`,
  ]
}

function facts({ asked, redact }: Shown): Html {
  const { task, request, policies = [], status, by, at, reason, damaged } = asked
  const text = (said: string) => visible(redact(said))
  const json = (value: unknown) => visibleJson(redact(JSON.stringify(value, null, 2)))
  const others = request.groups.filter((group) => group !== asked.group)
  const rows: [string, Html | Html[] | string][] = [
    ...(damaged === undefined && task.damaged === undefined
      ? []
      : [
          ['Beware', 'Its row is not as it was written: it cannot be answered with yes.'] as [string, string],
        ]),
    ['Agent', `${task.agent}, owned by ${text(task.owner)}`],
    ['Identity', `${text(request.subject)} of ${request.issuer}`],
    ...(task.session ? [['Session', text(sessionOf(task.session))] as [string, string]] : []),
    ...(task.act?.act ? [['Acts for', text(chainOf(task.act.act))] as [string, string]] : []),
    ['Why, in its own words', text(JSON.stringify(request.purpose))],
    [
      'What',
      request.scope.map(
        ({ provider, connection, detail }) =>
          html`<div>${provider}/${connection}</div>
            <pre>${json(detail)}</pre>`,
      ),
    ],
    ['For', `${request.ttl} seconds`],
    ...(Object.keys(request.context).length > 0
      ? [['Context, in its own words', html`<pre>${json(request.context)}</pre>`] as [string, Html]]
      : []),
    ...policies.map(({ id, description }): [string, string] => [
      'Asked by the policy',
      description === null ? id : `${id}: ${text(description)}`,
    ]),
    ...(others.length > 0
      ? [['Needs as well', `the yes of ${others.join(' and ')}`] as [string, string]]
      : []),
    ...(status === 'pending' ? [['Waits until', task.expires_at] as [string, string]] : []),
    ...(by === null ? [] : [['Answered', `${status} by ${text(by)}, at ${at ?? ''}`] as [string, string]]),
    ...(reason === null ? [] : [['Because', text(JSON.stringify(reason))] as [string, string]]),
    ['Task', `${task.id}, ${task.status}${task.end_reason === null ? '' : ` (${task.end_reason})`}`],
    ['Digest', html`<code>${asked.digest}</code>`],
  ]
  return html`<dl>
    ${rows.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`
}

function answering({ asked, groups, session, path }: Shown): Html {
  if (asked.status !== 'pending') return html`<p role="status">It waits for nobody any more.</p>`
  if (!groups.includes(asked.group))
    return html`<p role="status">This needs a member of ${asked.group} who may approve.</p>`
  return html`<form method="post" action="${path}">
    <input type="hidden" name="csrf" value="${session.csrf}" />
    <input type="hidden" name="digest" value="${asked.digest}" />
    <label>Reason, for the record <input name="reason" maxlength="1000" autocomplete="off" /></label>
    <button name="answer" value="approve">Approve</button>
    <button name="answer" value="deny">Deny</button>
  </form>`
}

function sessionOf({ claims }: NonNullable<Request['task']['session']>): string {
  return Object.entries(claims)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

type Chain = NonNullable<Request['task']['act']>

function chainOf({ sub, task, act }: Chain): string {
  return `${sub} (${task})${act ? `, for ${chainOf(act as Chain)}` : ''}`
}

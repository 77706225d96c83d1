/** The web console, as far as there is one: the page on which a request for approval is answered (docs/decisions/0064). */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { html } from 'hono/html'
import { BrokerError, isBrokerError } from '../base/errors.ts'
import { inOneText, faultTexts } from '../base/issues.ts'
import { isSameSecret } from '../base/same-secret.ts'
import { approve, approverOf, deny } from '../control/approve.ts'
import { authenticateAdmin } from '../control/authenticate.ts'
import { adminLogins, type AdminLogin, consolePath } from '../control/console.ts'
import { listApprovals } from '../control/lists.ts'
import type { Env, Pages } from '../http/context.ts'
import { statusOf, titles, UnfitRequest } from '../http/problem.ts'
import { approvalRequestView } from '../http/views.ts'
import { answerBody } from '../wire/admin-schemas.ts'
import { approvalPage, titleOf } from './approval-page.ts'
import { begunLogin, beginLogin, callbackPath, finishLogin, loginMs } from './login.ts'
import { show } from './page.ts'
import { Ended, mostParts, newSession, readSession, type Session } from './sessions.ts'

const cookies = {
  session: Array.from({ length: mostParts }, (_, at) => (at === 0 ? 'mayfly' : `mayfly-${at}`)),
  login: 'mayfly-login',
}
/**
 * `__Host-`: of this host alone, which no neighbour of its name can set. Lax, for people come here from
 * a chat, and their browser back from the issuer; what changes something is a POST, with which Lax sends nothing.
 */
const cookie = { prefix: 'host', secure: true, httpOnly: true, sameSite: 'Lax', path: '/' } as const

const loginPath = `${consolePath}/login`
const logoutPath = `${consolePath}/logout`
const approvalPath = `${consolePath}/approvals/:id`

/** Where a login may lead back to: nothing but a request. */
const approvalId = /^appr_[0-9a-f]{32}$/

export function createConsole({ redact }: { redact: (text: string) => string }): Pages {
  const ended = new Ended()

  return {
    under: `${consolePath}/`,
    refusal: (c, error) => {
      const { retryAfter } = error.facts
      if (retryAfter !== undefined) c.header('Retry-After', String(Math.ceil(retryAfter)))
      return show(
        c,
        titles[error.code],
        html`<p role="alert">${redact(error.message)}</p>
          <p><code>${c.var.requestId}</code></p>`,
        statusOf(error),
      )
    },
    routes(app) {
      app.get(approvalPath, async (c) => {
        const id = idIn(c)
        const found = sessionOf(c)
        const admin = found && (await adminOf(c, found, 'read'))
        if (!found || !admin) return welcome(c, id)
        const { core } = c.var
        const { items } = await listApprovals(core, { id }, { limit: 1, cursor: undefined })
        const [item] = items
        if (!item) throw new BrokerError('not_found', 'there is no such request')
        const asked = approvalRequestView(item, core)
        // Rights may come of one entry each.
        const approver = admin.rights.has('approve') ? await adminOf(c, found, 'approve') : undefined
        const groups = approver?.entries.map(({ name }) => name) ?? []
        const shown = { asked, admin, groups, session: found, path: c.req.path, logout: logoutPath, redact }
        return show(c, titleOf(asked), approvalPage(shown))
      })

      app.post(approvalPath, async (c) => {
        const id = idIn(c)
        const found = sessionOf(c)
        if (!found) return welcome(c, id, 403)
        const form = await formOf(c, found)
        const admin = await adminOf(c, found, 'approve')
        if (!admin) return welcome(c, id, 403)
        c.set('admin', admin)
        const verb = form.get('answer')
        if (verb !== 'approve' && verb !== 'deny')
          throw new BrokerError('invalid_request', 'answer: is neither approve nor deny')
        const reason = form.get('reason')?.trim()
        const said = answerBody.safeParse({ digest: form.get('digest'), ...(reason && { reason }) })
        if (!said.success) throw new BrokerError('invalid_request', inOneText(faultTexts(said.error)))
        const answer = { ...said.data, approval: id }
        const { core, inForce } = c.var
        await (verb === 'approve'
          ? approve(core, inForce.rules, approverOf(admin), answer)
          : deny(core, approverOf(admin), answer))
        return c.redirect(c.req.path, 303)
      })

      app.get(loginPath, async (c) => {
        const { core, inForce } = c.var
        const { issuer, approval = '' } = c.req.query()
        const at = adminLogins(inForce).find((each) => each.issuer.name === issuer)
        if (!at || !approvalId.test(approval))
          throw new BrokerError('invalid_request', 'this is no login that begins here')
        const { location, kept } = await beginLogin(core, at, { url: inForce.url, approval })
        setCookie(c, cookies.login, kept, { ...cookie, maxAge: loginMs / 1000 })
        return c.redirect(location, 303)
      })

      app.get(callbackPath, async (c) => {
        const { core, inForce, limits, sender } = c.var
        const login = begunLogin(core, getCookie(c, cookies.login, 'host'))
        const at = login && adminLogins(inForce).find((each) => each.issuer.name === login.issuer)
        const answer = new URL(`${inForce.url}${callbackPath}`)
        answer.search = new URL(c.req.url).search
        const states = answer.searchParams.getAll('state')
        if (!login || !at || states.length !== 1 || !isSameSecret(states[0], login.state))
          throw new BrokerError(
            'invalid_request',
            'this is not the answer to a login that was begun in this browser, or it has taken too long; open the link to the request again',
          )
        // Only now: else any page could send somebody here, and end a login that is under way.
        deleteCookie(c, cookies.login, cookie)
        if (!ended.end(login.state, login.until, core.clock))
          throw new BrokerError('invalid_request', 'this login was finished before')
        const token = await limits.check(sender, async () => {
          const got = await finishLogin(core, at, login, answer)
          await authenticateAdmin(core, got, 'read', inForce)
          return got
        })
        endSession(c)
        for (const [at, part] of newSession(core, token).entries())
          setCookie(c, cookies.session[at]!, part, cookie)
        return c.redirect(`${consolePath}/approvals/${login.approval}`, 303)
      })

      app.post(logoutPath, async (c) => {
        const found = sessionOf(c)
        if (found) await formOf(c, found)
        endSession(c)
        return show(c, 'Logged out', html`<p>You are logged out here.</p>`)
      })
    },
  }

  function sessionOf(c: Context<Env>): Session | undefined {
    const found = readSession(c.var.core, partsIn(c))
    return found && !ended.has(found.csrf) ? found : undefined
  }

  function endSession(c: Context<Env>): void {
    const found = readSession(c.var.core, partsIn(c))
    if (found) ended.end(found.csrf, found.until, c.var.core.clock)
    for (const name of cookies.session)
      if (getCookie(c, name, 'host') !== undefined) deleteCookie(c, name, cookie)
  }

  /** As at the API, with the configuration of this moment; undefined where their token has run out. */
  async function adminOf(c: Context<Env>, { token }: Session, right: 'read' | 'approve') {
    const { core, inForce, limits, sender } = c.var
    try {
      return await limits.check(sender, () => authenticateAdmin(core, token, right, inForce))
    } catch (error) {
      if (!isBrokerError(error, 'invalid_token')) throw error
      endSession(c)
      return undefined
    }
  }
}

/** The parts of a session that the browser has brought, up to the first that is missing. */
function partsIn(c: Context<Env>): string[] {
  const parts = cookies.session.map((name) => getCookie(c, name, 'host'))
  const end = parts.indexOf(undefined)
  return parts.slice(0, end < 0 ? undefined : end).filter((part) => part !== undefined)
}

/** @throws BrokerError `not_found` */
function idIn(c: Context<Env>): string {
  const id = c.req.param('id') ?? ''
  if (!approvalId.test(id)) throw new BrokerError('not_found', 'there is no such request')
  return id
}

/** What a page of this console has sent, and no other. @throws BrokerError `forbidden`, `invalid_request` */
async function formOf(c: Context<Env>, { csrf }: Session): Promise<URLSearchParams> {
  const type = c.req.header('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded')
    throw new UnfitRequest(415, 'a form is sent from its page')
  const form = new URLSearchParams(await c.req.text())
  // RFC 6454 §7: browsers say where a POST comes from.
  if (
    c.req.header('Origin') !== new URL(c.var.inForce.url).origin ||
    !isSameSecret(form.get('csrf') ?? undefined, csrf)
  )
    throw new BrokerError('forbidden', 'this was not sent from a page of this console that you have open')
  for (const name of form.keys())
    if (form.getAll(name).length > 1) throw new BrokerError('invalid_request', `${name}: is there twice`)
  return form
}

/** To whoever is not logged in: it says nothing of the request, not even that there is one. */
function welcome(c: Context<Env>, approval: string, status: 200 | 403 = 200): Response | Promise<Response> {
  if (c.var.excess) throw c.var.excess
  const logins = adminLogins(c.var.inForce)
  const link = ({ issuer: { name } }: AdminLogin) => {
    const query = new URLSearchParams({ issuer: name, approval })
    return html`<p><a class="button" href="${loginPath}?${query.toString()}">Log in with ${name}</a></p>`
  }
  return show(
    c,
    'A request waits for an answer',
    [
      status === 403 ? html`<p role="alert">Your login here is over, and nothing was answered.</p>` : html``,
      html`<p>Log in to see it, as an admin of this broker.</p>`,
      ...(logins.length > 0
        ? logins.map(link)
        : [
            html`<p>
              Nobody logs in here with a browser. Answer it with
              <code>mayfly admin approve ${approval}</code>.
            </p>`,
          ]),
    ],
    status,
  )
}

/** The pages of the console: plain, without a script, and in nobody's frame. */
import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import { html, raw } from 'hono/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Env } from '../http/context.ts'

export type Html = ReturnType<typeof html>

const style = `
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.4rem; line-height: 1.3; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.2rem; }
dt { color: #595959; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: 0 0 0.4rem; padding: 0.5rem; background: #f3f3f3; white-space: pre-wrap; overflow-wrap: anywhere; }
form { margin-top: 1.5rem; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: 0.4rem; margin: 0.2rem 0 0.8rem; }
button, a.button { font: inherit; padding: 0.4rem 1.2rem; margin-right: 0.6rem; }
footer { margin-top: 3rem; color: #595959; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dt { margin-top: 0.5rem; } }
`
const allowed = createHash('sha256').update(style).digest('base64')
// As one piece: what a formatter put between would be another style than the one that is allowed.
const styleElement = raw(`<style>${style}</style>`)

/** Nothing is loaded, nothing runs, no form leads away, and nobody may frame it: a click is meant for what is seen. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${allowed}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** With the `no-referrer` of every answer, a browser would say of its forms that they come from nowhere (`Origin: null`). */
const origin = html`<meta name="referrer" content="same-origin" />`

export function show(
  c: Context<Env>,
  title: string,
  body: Html | Html[],
  status: ContentfulStatusCode = 200,
): Response | Promise<Response> {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        ${origin}
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        <h1>${title}</h1>
        ${body}
      </body>
    </html>`
  // The address of an answer from an issuer holds its code (also `Referrer-Policy`, as on every answer).
  return c.html(page, status, { 'Content-Security-Policy': policy })
}

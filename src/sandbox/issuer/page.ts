/** The pages of the issuer that a person sees: plain, and without a script. */
import { html } from 'hono/html'

type Html = ReturnType<typeof html>

const page = (title: string, body: Html) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <style>
          body {
            font:
              1rem/1.5 system-ui,
              sans-serif;
            margin: 3rem auto;
            max-width: 30rem;
            padding: 0 1rem;
          }
          button,
          input {
            font: inherit;
            margin: 0.2rem 0;
            padding: 0.4rem 0.8rem;
          }
          button {
            display: block;
            width: 100%;
          }
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        ${body}
      </body>
    </html>`

/** Who is it? `hidden` goes along with the answer. */
export function loginPage(
  client: string,
  people: readonly { username: string; email: string }[],
  { action, hidden }: { action: string; hidden: Readonly<Record<string, string>> },
): Html {
  return page(
    'Sandbox login',
    html`<p>The client <strong>${client}</strong> wants to know who you are.</p>
      <form method="post" action="${action}">
        ${Object.entries(hidden).map(
          ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
        )}
        ${people.map(
          ({ username, email }) =>
            html`<button name="username" value="${username}">Log in as ${username} (${email})</button>`,
        )}
        <button name="username" value="">Refuse</button>
      </form>`,
  )
}

/** RFC 8628 §3.3: where a person types what their device shows. */
export function codePage(action: string, code = '', wrong = false): Html {
  return page(
    'Sandbox: connect a device',
    html`${wrong ? html`<p role="alert">No device waits with this code.</p>` : ''}
      <form method="get" action="${action}">
        <label>The code on your device <input name="user_code" value="${code}" autocomplete="off" /></label>
        <button>Continue</button>
      </form>`,
  )
}

export function messagePage(title: string, text: string): Html {
  return page(title, html`<p>${text}</p>`)
}

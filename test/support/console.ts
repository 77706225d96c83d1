/** A browser without a screen, as far as the console needs one: it follows what it is told, and keeps cookies. */
import type { TestBroker } from './broker.ts'

export interface Page {
  status: number
  headers: Headers
  text: string
  /** What a hidden field of its first form holds. */
  hidden(name: string): string
}

export class Browser {
  readonly broker: TestBroker
  /** Of the broker, by name. */
  readonly cookies = new Map<string, string>()

  constructor(broker: TestBroker) {
    this.broker = broker
  }

  /** One request to the broker; where it leads is not followed. */
  async send(path: string, { form, headers }: Sent = {}): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(new URL(path, this.broker.url), {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: {
        ...(cookie !== '' && { Cookie: cookie }),
        ...(form && { Origin: this.broker.url }),
        ...headers,
      },
      ...(form && { body: new URLSearchParams(form) }),
    })
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      if (/max-age=0/i.test(set)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      hidden: (name) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '',
    }
  }

  /** Begins a login that leads to this approval, and answers it at the issuer as `username`. Gives the way back. */
  async atIssuer(username: string, approval: string): Promise<string> {
    const begun = await this.send(`/console/login?issuer=sandbox&approval=${approval}`)
    return await answerAtIssuer(begun.headers.get('Location')!, username)
  }

  /** Logs in as `username`, and opens the page of the approval. */
  async open(username: string, approval: string): Promise<Page> {
    const back = await this.send(await this.atIssuer(username, approval))
    const to = back.headers.get('Location')
    return to === null ? back : await this.send(to)
  }

  /** Presses a button on that page. */
  async press(
    page: Page,
    approval: string,
    answer: string,
    more: Record<string, string> = {},
  ): Promise<Page> {
    const form = { csrf: page.hidden('csrf'), digest: page.hidden('digest'), answer, ...more }
    return await this.send(`/console/approvals/${approval}`, { form })
  }
}

interface Sent {
  form?: Record<string, string>
  headers?: Record<string, string>
}

/** What a person does at the sandbox's issuer. Gives where it sends them. */
export async function answerAtIssuer(authorize: string, username: string): Promise<string> {
  const asked = await (await fetch(authorize)).text()
  const request = /name="request" value="([^"]*)"/.exec(asked)![1]!
  const answered = await fetch(new URL('/authorize', authorize), {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ request, username }),
  })
  return answered.headers.get('Location')!
}

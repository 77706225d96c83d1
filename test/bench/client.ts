/** A client of the broker that costs little: its own CPU is not what is measured. */
import { Agent, request } from 'node:http'

// oxlint-disable-next-line no-explicit-any -- a wrong guess about an answer fails the run
export type Answered = Record<string, any>

export class Client {
  readonly #url: URL
  readonly #ports: readonly number[]
  readonly #agent: Agent | false
  #asked = 0
  failures = 0

  /** `kept`: whether its connections serve more than one request each. `ports`: of several brokers, asked in turn. */
  constructor(url: string, kept: boolean, ports?: readonly number[]) {
    this.#url = new URL(url)
    this.#ports = ports ?? [Number(this.#url.port)]
    this.#agent = kept && new Agent({ keepAlive: true, maxSockets: Infinity })
  }

  close(): void {
    if (this.#agent) this.#agent.destroy()
  }

  /** `ttl` in seconds. */
  async exchange(token: string, detail: object, ttl = 600): Promise<Answered> {
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: token,
      authorization_details: JSON.stringify([detail]),
      ttl: String(ttl),
    })
    return await this.#post('/oauth/token', {}, 'application/x-www-form-urlencoded', String(form))
  }

  /** Opens a task and mints in it; `complete` ends it. */
  async begin(token: string, detail: object): Promise<{ complete: () => Promise<Answered> }> {
    const task = await this.#json('/v1/tasks', token, {
      purpose: 'bench',
      authorization_details: [detail],
      ttl: 600,
    })
    const { id, task_token: taskToken } = task
    await this.#json(`/v1/tasks/${id}/credentials`, taskToken, { authorization_detail: detail })
    return { complete: () => this.#json(`/v1/tasks/${id}/complete`, taskToken, {}) }
  }

  async #json(path: string, token: string, body: object): Promise<Answered> {
    return await this.#post(
      path,
      { authorization: `Bearer ${token}` },
      'application/json',
      JSON.stringify(body),
    )
  }

  async #post(path: string, headers: object, type: string, body: string): Promise<Answered> {
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const { hostname, host } = this.#url
      const options = {
        hostname,
        port: this.#ports[(this.#asked += 1) % this.#ports.length],
        path,
        method: 'POST',
        agent: this.#agent,
        headers: { ...headers, host, 'content-type': type, 'content-length': Buffer.byteLength(body) },
      }
      const sent = request(options, (response) => {
        let read = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (read += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: read }))
        response.on('error', reject)
      })
      sent.on('error', reject).end(body)
    })
    if (status >= 300) {
      this.failures += 1
      throw new Error(`${path} answered ${status}: ${text}`)
    }
    return JSON.parse(text) as Answered
  }
}

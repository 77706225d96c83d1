/** What a session has asked for and got: a task for each request, which ends with the session at the latest. */
import { setTimeout as pause } from 'node:timers/promises'
import { untilDecided } from '../approval.ts'
import { BrokerProblem, type Client, type OpenTask, type Task, type TaskAccess } from '../client.ts'
import { completeTask } from '../completion.ts'
import { startHeart } from '../heart.ts'

/** One request that was granted, or waits. */
export interface Access {
  task: TaskAccess
  /** As it was when it was last looked at. */
  latest: Task
  /** What was asked, as text: asked again while it stands, it is the same. */
  asked: string
  /** Beats where its agent has to be heard from; the broker ends it soon after it stops. */
  heart: Disposable
}

/** Requests that may stand at once: a model that asks in a loop must not use up what its agent may have open. */
const most = 20

/** What is answered of a task that its own token does not show any more: it ended long ago, or in a store that is gone. */
const unreadable: readonly BrokerProblem['code'][] = ['not_found', 'invalid_token']

/** How long completing what is left may take when the session is over. */
const completionMs = 10_000

export class NoSuchAccess extends Error {
  constructor(id: string) {
    super(`${JSON.stringify(id)} is nothing that was opened here`)
    this.name = 'NoSuchAccess'
  }
}

export class TooManyAccesses extends Error {
  constructor() {
    super(`${most} requests stand already`)
    this.name = 'TooManyAccesses'
  }
}

export class Accesses implements AsyncDisposable {
  readonly #client: Client
  readonly #token: () => Promise<string>
  readonly #all = new Map<string, Access>()
  readonly #opening = new Map<string, Promise<Access>>()

  /** `token`: what each is opened with, the token of the session's task, or a fresh identity token. */
  constructor({ client, token }: { client: Client; token: () => Promise<string> }) {
    this.#client = client
    this.#token = token
  }

  /** Those that stand, the newest first. */
  get standing(): Access[] {
    // Nobody may have looked since its deadline.
    const stands = ({ latest }: Access) =>
      latest.ended_at === null && Date.parse(latest.expires_at) > Date.now()
    return [...this.#all.values()].filter(stands).toReversed()
  }

  /** @throws NoSuchAccess */
  get(id: string): Access {
    const access = this.#all.get(id)
    if (!access) throw new NoSuchAccess(id)
    return access
  }

  /**
   * Asks for it, unless just this has been asked and stands.
   *
   * @throws TooManyAccesses, BrokerProblem, BrokerUnreachable
   */
  async open(request: OpenTask): Promise<Access> {
    const asked = JSON.stringify(request)
    for (const access of this.standing) {
      if (access.asked !== asked) continue
      // Its deadline may have come, or somebody have ended it.
      if ((await this.look(access))?.ended_at === null) return access
    }
    const opening = this.#opening.get(asked) ?? this.#open(request, asked)
    this.#opening.set(asked, opening)
    return await opening.finally(() => this.#opening.delete(asked))
  }

  async #open(request: OpenTask, asked: string): Promise<Access> {
    if (this.standing.length + this.#opening.size >= most) throw new TooManyAccesses()
    const { task_token: token, ...latest } = await this.#client.openTask(await this.#token(), request)
    const task = { id: latest.id, token }
    const heart = startHeart(this.#client, task, latest.heartbeat)
    const access = { task, latest, asked, heart }
    this.#all.set(latest.id, access)
    return access
  }

  /** The task as it is now; undefined where nobody can read it any more, and it is forgotten here. */
  async look(access: Access): Promise<Task | undefined> {
    return await this.#latest(access, () => this.#client.showTask(access.task))
  }

  /** The same once it is decided, or when the seconds are over. @throws NoSuchAccess where nobody can read it any more */
  async wait(access: Access, seconds: number, signal: AbortSignal): Promise<Task> {
    const over = AbortSignal.timeout(seconds * 1000)
    try {
      const now = await this.look(access)
      const either = AbortSignal.any([over, signal])
      const decided =
        now && (await this.#latest(access, () => untilDecided(this.#client, access.task, now, either)))
      if (!decided) throw new NoSuchAccess(access.task.id)
    } catch (error) {
      if (!over.aborted || error instanceof NoSuchAccess) throw error
    }
    return access.latest
  }

  /** Ends it, and sees what was minted in it die. @throws NoSuchAccess where nobody can read it any more */
  async complete(access: Access, signal: AbortSignal): Promise<Task> {
    access.heart[Symbol.dispose]()
    const ended = await this.#latest(access, () => completeTask(this.#client, access.task, signal))
    if (!ended) throw new NoSuchAccess(access.task.id)
    return ended
  }

  /** Ends all that stand, as far as there is time. */
  async completeAll(): Promise<void> {
    const signal = AbortSignal.timeout(completionMs)
    await Promise.allSettled(this.#opening.values())
    for (const { heart } of this.#all.values()) heart[Symbol.dispose]()
    const ending = Promise.allSettled(
      this.standing.map(async (access) => {
        access.latest = await this.#client.complete(access.task, { signal })
      }),
    )
    // What is over sooner is not to be waited for by the process.
    await Promise.race([ending, pause(completionMs, undefined, { ref: false })])
  }

  async #latest(access: Access, ask: () => Promise<Task>): Promise<Task | undefined> {
    try {
      return (access.latest = await ask())
    } catch (error) {
      if (!(error instanceof BrokerProblem) || !unreadable.includes(error.code)) throw error
      access.heart[Symbol.dispose]()
      this.#all.delete(access.task.id)
      return undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.completeAll()
  }
}

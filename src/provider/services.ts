/** What a running broker lends its connections, which are compiled before it runs. */
import type { ConnectionContext } from './upstream.ts'

type Lent = Pick<ConnectionContext, 'installation' | 'sign' | 'exclusive'>

/** There is no broker yet that could do this. */
export class NotRunning extends Error {
  constructor() {
    super('only a running broker can do this')
    this.name = 'NotRunning'
  }
}

/** Handed to the configuration compiler; refuses to serve until a broker is behind it. */
export class Services {
  #behind: Lent | undefined

  /** From now on `lent` serves. */
  attach(lent: Lent): void {
    this.#behind = lent
  }

  readonly lent: Lent & Pick<ConnectionContext, 'shared'> = {
    installation: () => this.#attached().installation(),
    sign: async (audience) => await this.#attached().sign(audience),
    exclusive: async (key, work) => await this.#attached().exclusive(key, work),
    shared: createShared(),
  }

  #attached(): Lent {
    if (!this.#behind) throw new NotRunning()
    return this.#behind
  }
}

/** Values by key, each made once. */
export function createShared(): ConnectionContext['shared'] {
  const values = new Map<string, object>()
  return <T extends object>(key: string, make: () => T): T => {
    const value = (values.get(key) as T | undefined) ?? make()
    values.set(key, value)
    return value
  }
}

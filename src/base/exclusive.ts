/** Runs `work` while nobody else runs work under the same key. */
export type Exclusive = <T>(key: string, work: () => Promise<T>) => Promise<T>

/** Runs works one after another that share a key, in this process. */
export function createExclusive(): Exclusive {
  const tails = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const result = (tails.get(key) ?? Promise.resolve()).then(work)
    const tail = result
      .catch(() => undefined)
      .then(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
    tails.set(key, tail)
    return result
  }
}

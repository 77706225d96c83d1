/** One page of a list, as a store returns it and a caller asks for it. */

/** A page of a list, the newest first; `next` continues it. */
export interface Page<Item> {
  items: Item[]
  next: string | null
}

/** The most that one page may hold. */
export const largestPage = 1000

export interface PageRequest {
  limit: number
  /** `next` of the page before. */
  cursor?: string | undefined
}

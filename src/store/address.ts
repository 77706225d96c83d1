/** Where a store is, as a configuration names it, and who has it. */

export type StoreAddress =
  { readonly kind: 'sqlite'; readonly path: string } | { readonly kind: 'postgres'; readonly url: string }

/** Another broker has this store, and two would each believe that nobody else ends its leases. */
export class StoreInUse extends Error {
  constructor(path: string, options: { cause?: unknown } = {}) {
    super(`another broker is running on ${path}`, options)
    this.name = 'StoreInUse'
  }
}

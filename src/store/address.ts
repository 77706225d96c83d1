/** Where a store is, as a configuration names it, and who has it. */

export type StoreAddress =
  { readonly kind: 'sqlite'; readonly path: string } | ({ readonly kind: 'postgres' } & PostgresAddress)

export interface PostgresAddress {
  readonly url: string
  /** PEM; no other CA is trusted then. */
  readonly ca?: string
  /** How many connections a broker may have to it at once. */
  readonly pool?: number
}

/** Where it is, without what its URL may hold of secrets. */
export function placeOf(address: StoreAddress): string {
  if (address.kind === 'sqlite') return address.path
  const { host, pathname } = new URL(address.url)
  return `postgres://${host}${pathname}`
}

/** Another broker has this store, and two would each believe that nobody else ends its leases. */
export class StoreInUse extends Error {
  /** `isByHolder`: it says so in the store itself, of which this may be a copy. */
  constructor(
    place: string,
    { isByHolder = false, ...options }: { cause?: unknown; isByHolder?: boolean } = {},
  ) {
    const original = isByHolder ? ', or on the file of which that is a plain copy' : ''
    super(`another broker is running on ${place}${original}`, options)
    this.name = 'StoreInUse'
  }
}

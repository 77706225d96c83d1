/** What a client has to know of the states of a lease. */
export { isOver, mayBeHeld, mayStillWork } from '../leases/lease.ts'

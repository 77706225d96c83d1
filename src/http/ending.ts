/**
 * Calls that are outside the limits of addresses and agents once it is known who makes them. What
 * ends a task, or keeps it from ending, gives a lease back or revokes must not wait until others behind the same address, or
 * other tasks of the same agent, ask for less; nor must an admin who has to look before stopping
 * something, or to answer a request with a browser.
 */
const paths = [
  /^\/v1\/admin\//,
  /^\/console\/approvals\//,
  /^\/v1\/tasks\/[^/]+\/complete$/,
  /^\/v1\/tasks\/[^/]+\/heartbeat$/,
  /^\/v1\/tasks\/[^/]+\/leases\/[^/]+\/revoke$/,
  /^\/oauth\/revoke$/,
]

export function isOutsideLimits(path: string): boolean {
  return paths.some((pattern) => pattern.test(path))
}

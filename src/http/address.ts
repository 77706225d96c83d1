/** Where a request comes from. */
import { BlockList, isIP } from 'node:net'

/**
 * Tells the address of a request's sender from what its connection and its
 * `X-Forwarded-For` say. Only a trusted proxy is believed: anybody can write the
 * header, and what the limits count must not be of their choosing.
 */
export function addressing(
  trustedProxies: readonly string[],
): (remote: string | undefined, forwarded: string | undefined) => string {
  const trusted = new BlockList()
  for (const proxy of trustedProxies) {
    const [address = '', prefix] = proxy.split('/', 2)
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(prefix), family)
  }
  const isTrusted = (address: string) =>
    isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

  return (remote = 'unknown', forwarded) => {
    let sender = plain(remote)
    // Each proxy appends whom it heard it from: from the right, the first that is no proxy of ours is the sender.
    for (const hop of (forwarded ?? '').split(',').toReversed()) {
      const said = plain(hop.trim())
      if (!isTrusted(sender) || isIP(said) === 0) break
      sender = said
    }
    return sender
  }
}

/** An IPv4 address that came over an IPv6 socket is the same address. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

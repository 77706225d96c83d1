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
      const said = plain(withoutPort(hop.trim()))
      if (!isTrusted(sender) || isIP(said) === 0) break
      sender = said
    }
    return sender
  }
}

/**
 * What counts as one sender: an IPv4 address, or the /64 that an IPv6 address lies in. Whoever
 * has one of its addresses has all of them (RFC 6177), and could be a new sender each time.
 */
export function network(address: string): string {
  if (isIP(address) !== 6) return address
  return `${groups(address).slice(0, 4).join(':')}::/64`
}

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^\[(.*)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(hop)?.[1] ?? hop
}

/** An IPv4 address that came over an IPv6 socket is the same address, however it is written. */
function plain(address: string): string {
  if (isIP(address) !== 6) return address
  const parts = groups(address)
  if (parts.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return address
  return parts
    .slice(6)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
    .join('.')
}

/** The eight groups of an IPv6 address, each without leading zeros. Its zone, if it names one, is of this machine alone. */
function groups(address: string): string[] {
  const [unzoned] = address.split('%')
  // URL's parser writes every address in one way (RFC 5952), an IPv4 part in hexadecimal.
  const [head = '', tail] = new URL(`http://[${unzoned}]`).hostname.slice(1, -1).split('::')
  const [before, after] = [head, tail ?? ''].map((text) => (text === '' ? [] : text.split(':')))
  return [...before!, ...Array<string>(8 - before!.length - after!.length).fill('0'), ...after!]
}

/** Decides which proxy, if any, a request leaves through, as `HTTPS_PROXY` and `NO_PROXY` say (docs/decisions/0023). */
import { BlockList, isIP } from 'node:net'

/** The proxy for a request to `url`; undefined where it goes there by itself. */
export type ProxyFor = (url: URL) => URL | undefined

/**
 * Reads them as curl does, lower case first. Only https goes through a proxy: http
 * is for this machine alone, and what is in it would be the proxy's to read.
 *
 * @throws Error that names the variable, without what it holds: there may be a password in it.
 */
export function proxiesOf(env: Record<string, string | undefined>): ProxyFor | undefined {
  const name = env['https_proxy'] ? 'https_proxy' : 'HTTPS_PROXY'
  const written = env[name]?.trim()
  if (!written) return undefined
  const address = written.includes('://') ? written : `http://${written}`
  const proxy = URL.canParse(address) ? new URL(address) : null
  if (!proxy || !/^https?:$/.test(proxy.protocol))
    throw new Error(`${name} is set, and is no proxy: http://HOST:PORT, or https`)
  const direct = exceptions(env['no_proxy'] || env['NO_PROXY'] || '')
  return (url) => (url.protocol === 'https:' && !direct(url) ? proxy : undefined)
}

/**
 * `NO_PROXY`: names, with all that is under them; addresses and blocks of them; each
 * perhaps with a port; `*` for everything.
 */
function exceptions(list: string): (url: URL) => boolean {
  const entries = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
  const blocks = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.replace(/^\[|\]$/g, '').split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(address) === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) continue
    if (bits === undefined) blocks.addAddress(address, family)
    else if (Number(bits) <= (family === 'ipv6' ? 128 : 32)) blocks.addSubnet(address, Number(bits), family)
  }
  const names = entries.map((entry) => {
    const [, name = entry, port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
    return { name: name.replace(/^\*?\./, ''), port }
  })
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && blocks.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')) return true
    const at = url.port || '443'
    return names.some(
      ({ name, port }) =>
        name === '*' || ((host === name || host.endsWith(`.${name}`)) && (port === undefined || port === at)),
    )
  }
}

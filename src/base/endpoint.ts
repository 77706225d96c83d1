/** URLs that the broker trusts or calls: an issuer's, a provider's, its own. */

/** What must not stand in the string, and why it is refused, most telling first. */
const refused: [RegExp, string][] = [
  [/[^\x21-\x7e]/, 'must be printable ASCII without spaces, tabs or line breaks'],
  [/\\/, 'must not have a backslash'],
  [/#/, 'must not have a fragment'],
  [/\?/, 'must not have a query, not even an empty one'],
  [/^[^/]*\/\/[^/]*@/, 'must not have a user name or password'],
  [/%(?![0-9a-f]{2})/i, 'must not have a bare percent sign'],
  [
    /%(?:2e|2f|5c|25|7f|[01][0-9a-f])/i,
    'must not percent-encode a dot, slash, backslash, percent or control',
  ],
  [/\/\.\.?(?:\/|$)/, 'must not have a "." or ".." segment'],
  [/[^:/]\/\//, 'must not have an empty path segment'],
]

const form = /^(?<scheme>https?):\/\/(?<host>[^/:[\]]+|\[[0-9a-f:.]+\])(?::(?<port>[0-9]+))?(?:\/.*)?$/
const hostName = /^(?!\.)(?!.*\.\.)[a-z0-9._-]+(?<!\.)$/

/**
 * What is wrong with `raw` as the URL of an issuer, a provider or the broker,
 * worded to follow the name of the setting; undefined where nothing is.
 *
 * The string is judged as written: `new URL` turns tabs, `\`, `..`, `0x7f000001`
 * and full-width letters into something harmless-looking, so that two parties
 * who read the same string see different hosts (CVE-2025-52477).
 */
export function endpointFault(raw: string): string | undefined {
  const fault = refused.find(([pattern]) => pattern.test(raw))
  if (fault) return fault[1]
  const { scheme, host = '', port } = form.exec(raw)?.groups ?? {}
  if (!scheme) return 'must be https://HOST, perhaps with :PORT and /PATH'
  if (!host.startsWith('[') && !hostName.test(host))
    return 'must have a lower-case host name or an IP address'
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    return 'must have a port of 1 to 65535'
  const url = URL.canParse(raw) ? new URL(raw) : null
  if (!url) return 'must have a host name or an IP address'
  if (url.href !== raw && url.href !== `${raw}/`) return `must be written in its normal form, ${url.href}`
  if (scheme === 'http' && !isLoopback(url))
    return 'must be https; http is for localhost, 127.0.0.0/8 and [::1]'
  return undefined
}

/**
 * Tells whether a `Host` header names the server of `url`. The default port of its scheme,
 * written or not, and upper case make no other authority (RFC 9110 §4.2.3).
 */
export function hostOf(url: string): (named: string) => boolean {
  const { protocol, host } = new URL(url)
  const port = protocol === 'https:' ? /:443$/ : /:80$/
  return (named) => named === host || named.toLowerCase().replace(port, '') === host
}

/** Whether the host is this machine by its very name, without asking a resolver. @throws TypeError on no URL. */
export function isLoopback(url: URL | string): boolean {
  // `hostname` is normalised, so four dotted numbers are the only form of an IPv4 address here.
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
}

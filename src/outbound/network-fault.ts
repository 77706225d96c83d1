/** What kept a request from being answered at all: DNS, the connection, TLS or a proxy, by the codes of Node, undici and OpenSSL. */

export interface NetworkFault {
  /**
   * For a reader, to follow the name of what was called and a colon. The messages of
   * the errors themselves may quote what was sent.
   */
  words: string
  /** Whether the request had reached its server, perhaps. */
  sent: boolean
  /** Whether the same request may well succeed some moments later. */
  passing: boolean
  /** What to do about it, one line. */
  remedy: string
}

const unheard = { sent: false, passing: true, remedy: 'Check the address, and that something runs there.' }
const wrong = { sent: false, passing: false }

const unknownName: NetworkFault = {
  ...wrong,
  words: 'DNS does not know its name',
  remedy: 'Check the address; where there is a proxy, that HTTPS_PROXY is set.',
}
const badPort: NetworkFault = {
  ...wrong,
  words: 'its port is one to which HTTP is not sent',
  remedy: 'Choose another port.',
}
const silent: NetworkFault = { ...unheard, words: 'it does not answer to a connection' }
const cut: NetworkFault = {
  words: 'the connection was cut',
  sent: true,
  passing: true,
  remedy: 'Try again; look at what lies between.',
}
const unknownCa: NetworkFault = {
  ...wrong,
  words: 'its certificate comes from a CA that is not trusted here',
  remedy: 'Name the CA: `ca:` in the configuration, --ca on the command line, or NODE_EXTRA_CA_CERTS.',
}
const renew = 'Have its certificate renewed, or set the clock of this machine.'
const otherTls: NetworkFault = {
  ...wrong,
  words: 'TLS with it failed',
  remedy: 'Check the address, its port and its certificate.',
}

const faults: Record<string, NetworkFault> = {
  ENOTFOUND: unknownName,
  EAI_AGAIN: { ...unheard, words: 'DNS does not answer' },
  ECONNREFUSED: { ...unheard, words: 'the connection was refused' },
  EHOSTUNREACH: { ...unheard, words: 'no route leads there' },
  ENETUNREACH: { ...unheard, words: 'no route leads there' },
  ETIMEDOUT: silent,
  UND_ERR_CONNECT_TIMEOUT: silent,
  ECONNRESET: cut,
  EPIPE: cut,
  UND_ERR_SOCKET: cut,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownCa,
  SELF_SIGNED_CERT_IN_CHAIN: unknownCa,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownCa,
  CERT_HAS_EXPIRED: { ...wrong, words: 'its certificate has expired', remedy: renew },
  CERT_NOT_YET_VALID: { ...wrong, words: 'its certificate is not valid yet', remedy: renew },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    ...wrong,
    words: 'its certificate is for another name',
    remedy: 'Use a name that is in its certificate.',
  },
  ERR_SSL_WRONG_VERSION_NUMBER: { ...otherTls, words: 'it does not speak TLS' },
}

/** The fault beneath what a client threw; undefined where it is none of the network's. */
export function networkFault(error: unknown): NetworkFault | undefined {
  let by = ''
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // As `outbound/fetch.ts` marks it; a client may have wrapped that.
    if ('proxy' in cause) by = `, by the proxy ${String(cause.proxy)}`
    // The Fetch Standard, "port blocking": it never leaves.
    if (cause.message === 'bad port') return badPort
    const refused = refusedByProxy(cause)
    if (refused) return { ...refused, words: `${refused.words}${by}` }
    const { code } = cause as NodeJS.ErrnoException
    if (typeof code !== 'string') continue
    const found = faults[code] ?? (/^(?:ERR_SSL_|ERR_TLS_|CERT_|EPROTO)/.test(code) ? otherTls : undefined)
    if (found) return { ...found, words: `${found.words} (${code})${by}` }
  }
  return undefined
}

/** RFC 9110 §9.3.6: what a proxy answers to CONNECT but a 2xx. Undici has it in its words alone. */
function refusedByProxy({ message }: Error): NetworkFault | undefined {
  const [, status] = /^Proxy response \((\d{3})\)/.exec(message) ?? []
  if (status === undefined) return undefined
  return {
    sent: false,
    passing: Number(status) >= 500,
    words: `the way there was refused with ${status}`,
    remedy: 'Check HTTPS_PROXY, its user and password, and what the proxy lets through; or NO_PROXY.',
  }
}

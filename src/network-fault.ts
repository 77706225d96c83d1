/** What kept a request from being answered at all: DNS, the connection or TLS, by the codes of Node, undici and OpenSSL. */

export interface NetworkFault {
  /** `ECONNREFUSED` */
  code: string
  /** For a reader, to follow the name of what was called and a colon. The messages of the errors themselves may quote what was sent. */
  words: string
  /** Whether the request had reached its server, perhaps. */
  sent: boolean
  /** Whether the same request may well succeed some moments later. */
  passing: boolean
  /** What to do about it, one line. */
  remedy: string
}

type Kind = Omit<NetworkFault, 'code'>

const unheard = { sent: false, passing: true, remedy: 'Check the address, and that something runs there.' }
const wrong = { sent: false, passing: false }

const unknownName: Kind = {
  ...wrong,
  words: 'DNS does not know its name',
  remedy: 'Check the address; behind a proxy, that HTTPS_PROXY is set.',
}
const refused: Kind = { ...unheard, words: 'the connection was refused' }
const unreachable: Kind = { ...unheard, words: 'no route leads there' }
const silent: Kind = { ...unheard, words: 'it does not answer to a connection' }
const cut: Kind = {
  words: 'the connection was cut',
  sent: true,
  passing: true,
  remedy: 'Try again; look at what lies between.',
}
const unknownCa: Kind = {
  ...wrong,
  words: 'its certificate comes from a CA that is not trusted here',
  remedy: 'Name the CA: `ca:` in the configuration, --ca on the command line, or NODE_EXTRA_CA_CERTS.',
}
const renew = 'Have its certificate renewed, or set the clock of this machine.'
const otherTls: Kind = { ...wrong, words: 'TLS with it failed', remedy: 'Check its certificate and address.' }

const kinds: Record<string, Kind> = {
  ENOTFOUND: unknownName,
  EAI_AGAIN: { ...unheard, words: 'DNS does not answer' },
  ECONNREFUSED: refused,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
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
  ERR_SSL_WRONG_VERSION_NUMBER: {
    ...wrong,
    words: 'it does not speak TLS',
    remedy: 'Check the port, and whether it is http.',
  },
}

/** The fault beneath what a client threw; undefined where it is none of the network's. */
export function networkFault(error: unknown): NetworkFault | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (typeof code !== 'string') continue
    const kind = kinds[code] ?? (/^(?:ERR_SSL_|ERR_TLS_|CERT_|EPROTO)/.test(code) ? otherTls : undefined)
    if (kind) return { code, ...kind }
  }
  return undefined
}

/** What a client of an OpenID issuer believes of it, on a laptop and in the console alike. */
import { isLoopback } from './endpoint.ts'

/** What discovery says, as far as a login goes by it. */
interface Discovered {
  issuer: string
  authorization_endpoint?: string | undefined
  token_endpoint?: string | undefined
  device_authorization_endpoint?: string | undefined
  revocation_endpoint?: string | undefined
}

/** Whether it is the issuer that was asked, and all that leads off this machine is https, whatever discovery says. */
export function mayLogInAt(found: Discovered, issuer: string): boolean {
  const local = isLoopback(issuer)
  const endpoints = [
    found.authorization_endpoint,
    found.token_endpoint,
    found.device_authorization_endpoint,
    found.revocation_endpoint,
  ]
  const safe = (url: string | undefined) =>
    url === undefined ||
    (URL.canParse(url) && (new URL(url).protocol === 'https:' || (local && isLoopback(url))))
  return found.issuer === issuer && endpoints.every(safe)
}

/** RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5; or what the library found wrong with the answer. */
export function errorOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'no answer'
  const { error: code, code: fault } = error as { error?: unknown; code?: unknown }
  const named = [code, fault].find((each) => typeof each === 'string' && /^[\w-]{1,64}$/.test(each))
  return typeof named === 'string' ? named : 'an answer that cannot be believed'
}

/** Where admins get in with a browser, and the page on which a request for approval is answered. */
import type { Issuer, IssuerLogin } from '../identity/issuer.ts'
import type { InForce } from './in-force.ts'

/** An issuer at which admins log in: their client there, whose ID tokens some entry takes. */
export interface AdminLogin {
  issuer: Issuer
  client: string
  login: IssuerLogin
}

export function adminLogins({ rules, admins }: Pick<InForce, 'rules' | 'admins'>): AdminLogin[] {
  return [...rules.issuers.values()].flatMap((issuer) => {
    const { login } = issuer
    const client = login?.adminClientId
    if (client === undefined || !admins.audiences(issuer).includes(client)) return []
    return [{ issuer, client, login: login! }]
  })
}

/** What all pages for people begin with. */
export const consolePath = '/console'

/** Undefined where nobody could log in there. */
export function approvalPage(inForce: InForce, approval: string): string | undefined {
  if (adminLogins(inForce).length === 0) return undefined
  return `${inForce.url}${consolePath}/approvals/${approval}`
}

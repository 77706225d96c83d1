/** What a broker tells whoever asks, so that people need not type it: public facts, and nothing else. */
import { z } from '@hono/zod-openapi'

/** Well-known (RFC 8615). */
export const clientMetadataPath = '/.well-known/mayfly-client'

const certificates = z.array(z.string()).openapi({ description: 'PEM certificates' })

const loginIssuer = z.object({
  name: z.string().openapi({ description: 'its name in the configuration', example: 'okta' }),
  issuer: z.string().openapi({ example: 'https://acme.okta.com' }),
  client_id: z.string().openapi({ description: 'the public client of those who open tasks' }),
  admin_client_id: z.string().nullable().openapi({ description: 'the public client of admins' }),
  scopes: z.array(z.string()),
  audiences: z.array(z.string()).openapi({ description: 'whom tokens may be for that open tasks' }),
  admin_audiences: z.array(z.string()).openapi({ description: 'whom the tokens of admins may be for' }),
  ca: certificates.nullable().openapi({ description: 'the CA of the issuer, where it is one of its own' }),
})

export const clientMetadata = z.object({
  url: z.string().openapi({ description: 'the public origin of the broker, the default audience of tokens' }),
  ca: certificates.nullable().openapi({ description: 'the CA of the broker, where it is one of its own' }),
  issuers: z.array(loginIssuer).openapi({ description: 'where people log in' }),
})

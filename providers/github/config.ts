/** One GitHub App on one GitHub host: an entry under `providers.github`. */
import { z, type ZodType } from 'zod'
import { baseUrl } from '../../src/base/endpoint-schema.ts'
import { secretRef, type SecretRef } from '../../src/provider/secret-ref.ts'
import { isLoopback } from '../../src/base/endpoint.ts'
import { hostName, ownerName } from './names.ts'

export interface GithubConfig {
  name: string
  /** The REST API's base URL without a closing slash; `https://HOST/api/v3` on GitHub Enterprise Server. */
  api: string
  /** Where its repositories are, as in their addresses: `github.com`. */
  host: string
  app_id: number
  /** The app's RSA key, PEM as GitHub gives it out. */
  private_key: SecretRef
  /** Whose repositories this app may be asked for, lower case. */
  owners: string[]
}

export const githubConfig: ZodType<GithubConfig> = z
  .strictObject({
    name: z.string().min(1).describe('A name for this connection.'),
    api: baseUrl
      .default('https://api.github.com')
      .describe("The REST API's base URL; https://HOST/api/v3 on GitHub Enterprise Server."),
    host: hostName
      .optional()
      .describe('Where its repositories are, as in their addresses. Default: told from `api`.'),
    app_id: z.int().positive().describe('The id of the GitHub App.'),
    private_key: secretRef.describe("The app's RSA key, PEM as GitHub gives it out."),
    owners: z
      .array(ownerName)
      .min(1)
      .transform((names) => [...new Set(names)])
      .describe('Whose repositories may be asked for.'),
  })
  .transform(({ host, ...config }) => ({ ...config, host: host ?? hostOf(config.api) }))

/**
 * Whose API this is: `api.github.com`, `api.SUBDOMAIN.ghe.com` and, on a server of
 * one's own, `HOST/api/v3`. On this machine it stands in for github.com.
 */
function hostOf(api: string): string {
  const { host, pathname } = new URL(api)
  const [, hosted] = /^api\.(github\.com|[^.]+\.ghe\.com)$/.exec(host) ?? []
  if (hosted !== undefined) return hosted
  return isLoopback(api) && !pathname.endsWith('/api/v3') ? 'github.com' : host
}

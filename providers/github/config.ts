/** One GitHub App on one GitHub host: an entry under `providers.github`. */
import { z, type ZodType } from 'zod'
import { baseUrl } from '../../src/endpoint-schema.ts'
import { secretRef, type SecretRef } from '../../src/provider.ts'
import { ownerName } from './names.ts'

export interface GithubConfig {
  name: string
  /** The REST API's base URL without a closing slash; `https://HOST/api/v3` on GitHub Enterprise Server. */
  api: string
  app_id: number
  /** The app's RSA key, PEM as GitHub gives it out. */
  private_key: SecretRef
  /** Whose repositories this app may be asked for, lower case. */
  owners: string[]
}

export const githubConfig: ZodType<GithubConfig> = z.strictObject({
  name: z.string().min(1),
  api: baseUrl.default('https://api.github.com'),
  app_id: z.int().positive(),
  private_key: secretRef,
  owners: z
    .array(ownerName)
    .min(1)
    .transform((names) => [...new Set(names)]),
})

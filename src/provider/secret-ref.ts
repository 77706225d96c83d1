import { z } from 'zod'

/** A secret in the configuration: the name of a file or of an environment variable, never the secret itself. */
export const secretRef = z.union([
  z.strictObject({ file: z.string().min(1).describe('A file that holds it.') }),
  z.strictObject({ env: z.string().min(1).describe('An environment variable that holds it.') }),
])
export type SecretRef = z.infer<typeof secretRef>

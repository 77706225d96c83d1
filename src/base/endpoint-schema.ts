/** `endpoint.ts` as schemas: apart from it, since the client and most of the command line do without zod, which is slow to load. */
import { z } from 'zod'
import { endpointFault } from './endpoint.ts'

/** A URL that the broker trusts or calls, exactly as written. */
export const endpoint = z.string().superRefine((raw, issues) => {
  const message = endpointFault(raw)
  if (message !== undefined) issues.addIssue({ code: 'custom', message })
})

/** The same, without the slashes it may close with: paths are appended to it. */
export const baseUrl = endpoint.transform((raw) => raw.replace(/\/+$/, ''))

/** What a broker says of itself, as far as it is believed to be of that form. It may be hostile. */
import { z } from 'zod'
import { endpointFault } from '../../base/endpoint.ts'
import { isLine } from '../../base/text.ts'
import type { BrokerFacts } from './brokers.ts'

const text = z.string().max(2048).refine(isLine)
const endpoint = text.refine((url) => endpointFault(url) === undefined)
const certificates = z
  .array(
    z
      .string()
      .max(65_536)
      .regex(/^-----BEGIN CERTIFICATE-----[\w+/=\s]+-----END CERTIFICATE-----\s*$/),
  )
  .min(1)
  .max(16)
  .nullable()

/** Whatever else it says means nothing. */
export const brokerFacts: z.ZodType<BrokerFacts> = z.object({
  url: endpoint,
  ca: certificates,
  issuers: z
    .array(
      z.object({
        name: text,
        issuer: endpoint,
        client_id: text,
        admin_client_id: text.nullable(),
        scopes: z.array(text).max(32),
        audiences: z.array(text).max(64),
        admin_audiences: z.array(text).max(64),
        ca: certificates,
      }),
    )
    .max(64),
})

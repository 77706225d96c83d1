/** One AWS account's roles in one region: an entry under `providers.aws`. */
import { z, type ZodType } from 'zod'
import { baseUrl } from '../../src/base/endpoint-schema.ts'
import { classes, type Class } from '../../src/provider/terms.ts'
import { roleArn } from './arn.ts'
import { vendingActions, type VendingAction } from './vending.ts'

export interface AwsRole {
  arn: string
  /** What kind of authority the role is. */
  class: Class
  /** What its trust policy asks of whoever assumes it; AWS does not treat it as a secret. */
  external_id?: string
  /** Seconds, as the role itself is configured. */
  max_session_duration: number
  /** What of the calls that hand out other credentials its sessions may do; whatever these give out outlives them. */
  vending: VendingAction[]
  /** Kept only so that its sessions can be revoked. */
  retired: boolean
}

export interface AwsConfig {
  name: string
  region: string
  /** `expiry`: the broker may not write the roles' policies, so that only a session's own end ends it. */
  revocation: 'deny-policy' | 'expiry'
  /** In place of the region's own, without a closing slash. */
  endpoints: { sts?: string; iam?: string }
  /** The role that the broker takes on with a JWT of its own; without it, the SDK's default credential chain. */
  web_identity?: { role_arn: string }
  /** The only ones that can be asked for. */
  roles: AwsRole[]
}

/** Seconds. The bounds that IAM sets for a role's maximum session duration. */
const [shortest, longest] = [3600, 43_200]

const role = z.strictObject({
  arn: roleArn.describe('The ARN of the role.'),
  class: z.enum(classes).describe('What kind of authority the role is.'),
  // STS API reference, AssumeRole, ExternalId.
  external_id: z
    .string()
    .regex(/^[\w+=,.@:/-]{2,1224}$/, 'must be 2 to 1224 letters, digits or any of +=,.@:/-')
    .exactOptional()
    .describe('The ExternalId that its trust policy asks for.'),
  max_session_duration: z
    .int()
    .min(shortest)
    .max(longest)
    .default(shortest)
    .describe('Seconds, as the role itself is configured.'),
  vending: z
    .array(z.enum(vendingActions))
    .default([])
    .describe('What of the calls that hand out other credentials its sessions may do.'),
  retired: z.boolean().default(false).describe('Kept only so that its sessions can be revoked.'),
})

export const awsConfig: ZodType<AwsConfig> = z.strictObject({
  name: z.string().min(1).describe('A name for this connection.'),
  region: z
    .string()
    .regex(/^[a-z]{2,}(?:-[a-z]+)+-\d+$/, 'is not a region, as eu-west-1')
    .describe('The region, as eu-west-1.'),
  revocation: z
    .enum(['deny-policy', 'expiry'])
    .default('deny-policy')
    .describe(
      "How sessions are ended: `deny-policy` writes the roles' policies, `expiry` waits for their end.",
    ),
  endpoints: z
    .strictObject({
      sts: baseUrl.exactOptional().describe('Of STS.'),
      iam: baseUrl.exactOptional().describe('Of IAM.'),
    })
    .default({})
    .describe("In place of the region's own."),
  web_identity: z
    .strictObject({ role_arn: roleArn.describe('The ARN of that role.') })
    .exactOptional()
    .describe(
      "The role that the broker takes on with a token of its own; without it, the SDK's default credentials.",
    ),
  roles: z
    .array(role)
    .min(1)
    .refine(
      (roles) => new Set(roles.map(({ arn }) => arn)).size === roles.length,
      'the same role stands here twice',
    )
    .describe('The roles that can be asked for.'),
})

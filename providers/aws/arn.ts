import { z } from 'zod'

/** A role's ARN, with the path that it may have (IAM, "IAM identifiers"). */
const form =
  /^arn:(?<partition>aws(?:-[a-z]+)*):iam::(?<account>\d{12}):role\/(?:[\x21-\x2e\x30-\x7e]+\/)*(?<name>[\w+=,.@-]{1,64})$/

export const roleArn = z
  .string()
  .max(2048)
  .regex(form, 'is not the ARN of a role: arn:aws:iam::123456789012:role/NAME')

export interface Role {
  partition: string
  /** Twelve digits. */
  account: string
  /** Without the path, as IAM's calls and the ARNs of sessions have it. */
  name: string
}

/** @throws TypeError on what `roleArn` does not let through. */
export function parseRole(arn: string): Role {
  const { partition, account, name } = form.exec(arn)?.groups ?? {}
  if (!partition || !account || !name) throw new TypeError('not the ARN of a role')
  return { partition, account, name }
}

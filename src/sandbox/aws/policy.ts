/** Policy documents: which are well formed, and what they decide ("Policy evaluation logic"). */
import { z } from 'zod'
import { AwsRefusal } from './refusal.ts'

const listOf = (text: z.ZodString) => z.union([text, z.array(text).min(1)])
const list = listOf(z.string().min(1))
/** "IAM JSON policy elements: Action": the service is named, and wildcards stand for parts of the rest. */
const actions = listOf(z.string().regex(/^(?:\*|[a-z0-9-]+:[\w*?]+)$/i))
const operators = ['StringEquals', 'StringLike', 'DateLessThan', 'DateGreaterThan'] as const
const keys = ['aws:userid', 'aws:TokenIssueTime', 'aws:CurrentTime'] as const

/**
 * The part of "Grammar of the IAM JSON policy language" that is needed here. What
 * is beyond it is refused, so that nothing is taken for decided that is not.
 */
const statement = z.strictObject({
  Sid: z
    .string()
    .regex(/^[A-Za-z0-9]*$/)
    .exactOptional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: actions,
  Resource: list,
  Condition: z.partialRecord(z.enum(operators), z.partialRecord(z.enum(keys), list)).exactOptional(),
})

const document = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.string().exactOptional(),
  Statement: z.union([statement, z.array(statement).min(1)]),
})

export type Statement = z.infer<typeof statement>

/** What a request is about. */
export interface PolicyQuestion {
  /** `s3:GetObject` */
  action: string
  /** An ARN. */
  resource: string
  userId: string
  /** Milliseconds since 1970; undefined for long-term credentials, whose requests have no such key. */
  issuedAt: number | undefined
  /** Milliseconds since 1970. */
  now: number
}

/** @throws a refusal, MalformedPolicyDocument */
export function parsePolicy(text: string): Statement[] {
  // The pattern of both API references' policy parameters.
  const parsed = /^[\t\n\r\x20-\xff]+$/.test(text) ? document.safeParse(jsonOf(text)) : undefined
  if (!parsed?.success || !parsed.data.Statement)
    throw new AwsRefusal(400, 'MalformedPolicyDocument', 'Syntax errors in policy.')
  return [parsed.data.Statement].flat()
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** An explicit deny wins, an allow is needed. */
export function allows(statements: Statement[], question: PolicyQuestion): boolean {
  return (
    !denies(statements, question) &&
    statements.some((each) => each.Effect === 'Allow' && applies(each, question))
  )
}

export function denies(statements: Statement[], question: PolicyQuestion): boolean {
  return statements.some((each) => each.Effect === 'Deny' && applies(each, question))
}

/** Whether the statements deny whatever the session may ask for. */
export function deniesAll(
  statements: Statement[],
  session: Omit<PolicyQuestion, 'action' | 'resource'>,
): boolean {
  return statements.some(
    (each) =>
      each.Effect === 'Deny' && each.Action === '*' && each.Resource === '*' && conditionsHold(each, session),
  )
}

function applies(each: Statement, question: PolicyQuestion): boolean {
  const action = question.action.toLowerCase()
  return (
    [each.Action].flat().some((pattern) => like(pattern.toLowerCase(), action)) &&
    [each.Resource].flat().some((pattern) => like(pattern, question.resource)) &&
    conditionsHold(each, question)
  )
}

/** All conditions must hold, each for one of its values; one on a key that the request lacks does not. */
function conditionsHold(
  { Condition = {} }: Statement,
  { userId, issuedAt, now }: Omit<PolicyQuestion, 'action' | 'resource'>,
): boolean {
  const present = { 'aws:userid': userId, 'aws:TokenIssueTime': issuedAt, 'aws:CurrentTime': now }
  return Object.entries(Condition).every(([operator, operands]) =>
    Object.entries(operands).every(([key, values]) => {
      const value = present[key as keyof typeof present]
      return value !== undefined && [values].flat().some((operand) => holds(operator, value, operand))
    }),
  )
}

function holds(operator: string, value: string | number, operand: string): boolean {
  switch (operator) {
    case 'StringEquals':
      return value === operand
    case 'StringLike':
      return like(operand, String(value))
    // What is not a date is neither before nor after any.
    case 'DateGreaterThan':
      return Number(value) > Date.parse(operand)
    default:
      return Number(value) < Date.parse(operand)
  }
}

/** `*` stands for any characters, `?` for one. */
export function like(pattern: string, text: string): boolean {
  const source = pattern.replace(
    /[.*+?^${}()|[\]\\]/g,
    (char) => ({ '*': '.*?', '?': '.' })[char] ?? `\\${char}`,
  )
  return new RegExp(`^${source}$`, 's').test(text)
}

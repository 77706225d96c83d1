/** The recurring parts of the routes' descriptions. */
import type { z } from '@hono/zod-openapi'
import { examples } from '../wire/examples.ts'
import { problem } from '../wire/schemas.ts'

/** The workload's own OIDC token. */
export const workloadToken = [{ workloadToken: [] }]
/** The token that opening a task answered with. */
export const taskToken = [{ taskToken: [] }]
/** An admin's OIDC token. */
export const adminToken = [{ adminToken: [] }]

export const securitySchemes = {
  workloadToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "The workload's OIDC token, from a configured issuer",
  },
  taskToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The `task_token` that opening the task answered with',
  },
  adminToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An OIDC token that matches an `admins` entry with the right that the call needs',
  },
} as const

export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } } as const
}

/** One JSON answer. */
export function jsonAnswer<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } } as const
}

/** The answers named, each with its schema, and the one that every call may give instead. */
export function answers<const Named extends Record<number, Described>>(named: Named) {
  const entries = Object.entries(named).map(([status, { schema, description }]) => [
    status,
    { description, content: { 'application/json': { schema } } },
  ])
  const refusal = {
    default: {
      description: 'a refusal, with its stable `code`',
      content: { 'application/problem+json': { schema: problem } },
    },
  }
  return { ...Object.fromEntries(entries), ...refusal } as {
    [Status in keyof Named]: {
      description: string
      content: { 'application/json': { schema: SchemaOf<Named[Status]> } }
    }
  } & typeof refusal
}

interface Described {
  schema: z.ZodType
  description: string
}

type SchemaOf<Answer> = Answer extends Described ? Answer['schema'] : never

interface Content {
  content?: Record<string, object>
}
interface Operation {
  operationId?: string
  requestBody?: Content
  responses?: Record<string, Content>
}

/** The description with an example of each body that an operation takes and answers with. */
export function illustrated<Document extends { paths?: object }>(document: Document): Document {
  const operations = Object.values(document.paths ?? {}).flatMap((methods: Record<string, Operation>) =>
    Object.values(methods),
  )
  for (const { operationId = '', requestBody, responses = {} } of operations) {
    const { body, answer, others } = examples[operationId] ?? {}
    for (const media of Object.values(requestBody?.content ?? {})) Object.assign(media, { example: body })
    for (const [status, { content = {} }] of Object.entries(responses))
      if (status.startsWith('2'))
        for (const media of Object.values(content))
          Object.assign(media, { example: others?.[status] ?? answer })
  }
  return document
}

/** The file of `policy check`. */
import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { limits, readText, Unreadable } from '../../config/files.ts'
import { jsonSchemaOf } from '../../config/json-schema.ts'
import { parse } from '../../config/parse.ts'
import { addPlacesIn } from '../../config/places.ts'
import { readYamlList } from '../../config/yaml.ts'
import type { Fault } from '../../base/fault.ts'
import { type Class, classes } from '../../provider/terms.ts'
import { Failure, FaultyConfiguration } from '../failure.ts'
import { parseScope } from '../scope.ts'
import type { Question } from './question.ts'

/** What an agent may come by when its credentials are used to become others. */
export interface ChainExpectation {
  name: string
  agent: string
  /** The only agents that it may become. */
  becomes?: string[] | undefined
  /** The only classes that it may gain. */
  gains?: Class[] | undefined
}

/** What is asked, and what is to come of it. */
export interface Expectation extends Question {
  /** As written, or its place in the file. */
  name: string
  expect: 'allowed' | 'denied' | 'pending_approval'
  /** Exactly the groups whose yes is missing. */
  approvals?: string[] | undefined
  /** Policies that must be among those that decided; empty: none did. */
  policies?: string[] | undefined
}

const text = z.string().min(1)

/** The command line's shorthand, or a detail as it is on the wire. */
const scope = z.union([
  text.transform((written, issues): unknown => {
    try {
      return parseScope(written)
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error
      issues.addIssue({
        code: 'custom',
        message: `is not a scope: ${error.message}`,
        params: { remedy: 'Write it as on the command line, or as an authorization detail.' },
      })
      return z.NEVER
    }
  }),
  z.looseObject({ type: text.describe('The provider, as github.') }),
])

const expectation = z.strictObject({
  name: text.optional().describe('A name for it in what is printed.'),
  agent: text.describe('The agent that asks.'),
  scope: z
    .array(scope)
    .min(1)
    .describe('What it asks for, as on the command line or as authorization details.'),
  ttl: z.int().min(1).optional().describe('Seconds.'),
  context: z.record(z.string(), z.string()).optional().describe("The caller's own words."),
  purpose: z.string().optional().describe('What the task is said to be for.'),
  claims: z.record(z.string(), z.unknown()).optional().describe('The claims of its token.'),
  approved: z.array(text).optional().describe('Groups that have said yes.'),
  held: z.array(z.enum(classes)).optional().describe('Classes that it holds already.'),
  expect: z.enum(['allowed', 'denied', 'pending_approval']).describe('What is to come of it.'),
  approvals: z.array(text).optional().describe('Exactly the groups whose yes is missing.'),
  policies: z
    .array(text)
    .optional()
    .describe('Policies that must be among those that decided; empty: none did.'),
})

const chainExpectation = z.strictObject({
  name: text.optional().describe('A name for it in what is printed.'),
  agent: text.describe('The agent whose credentials are used to become others.'),
  becomes: z.array(text).optional().describe('The only agents that it may become.'),
  gains: z.array(z.enum(classes)).optional().describe('The only classes that it may gain.'),
})

/** The file as JSON Schema, for editors. */
export function expectationsSchema(): Record<string, unknown> {
  return jsonSchemaOf(z.array(z.union([expectation, chainExpectation])).min(1), 'expectations')
}

/** Strict, because an expectation that is misread expects something else. @throws FaultyConfiguration, Failure */
export function readExpectations(file: string): (Expectation | ChainExpectation)[] {
  const { value, faults } = readYamlList(textOf(file), file)
  const read = value?.flatMap((item, index) => {
    const schema = isAboutChains(item) ? chainExpectation : expectation
    const parsed = parse<z.output<typeof schema>>(schema, item, { file, at: [index], faults })
    return parsed ? [{ ...parsed, name: parsed.name ?? `expectation ${index + 1}` }] : []
  })
  if (read?.length === 0 && faults.length === 0) faults.push(nothing(file))
  addPlacesIn(
    file,
    faults.filter(({ line }) => line === undefined),
  )
  if (!read || faults.length > 0) throw new FaultyConfiguration(faults)
  return read
}

function isAboutChains(item: unknown): boolean {
  return typeof item === 'object' && item !== null && ('becomes' in item || 'gains' in item)
}

/** Checking nothing must not look like success. */
function nothing(file: string): Fault {
  return { file, path: '', message: 'holds no expectations', remedy: 'Write at least one.' }
}

function textOf(file: string): string {
  try {
    return readText(file, limits.configuration)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw new Failure('failed', `the file ${file} ${error.message}`, error.remedy)
  }
}

/** An export read back. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { ListedEvent } from '../../audit/event.ts'
import { JsonFault, parseJson } from '../../base/json.ts'
import { auditEvent } from '../../wire/admin-schemas.ts'
import { Failure } from '../failure.ts'

/** What an event has no member for nobody vouches for. */
const line = auditEvent.strict()

/** The events in `file`, or on stdin for `-`, one at a time. @throws Failure for a line that is no event. */
export async function* exportedEvents(file: string): AsyncGenerator<ListedEvent> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  let number = 0
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      number += 1
      if (text !== '') yield eventOf(text, number)
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('failed', `${file} cannot be read`, 'Give the file that `mayfly audit export` wrote.')
  }
}

function eventOf(text: string, number: number): ListedEvent {
  const read = line.safeParse(parsed(text, number))
  if (!read.success) throw noEvent(number, read.error.issues[0]?.message ?? 'is not one')
  const { at, request_id: request, ...event } = read.data
  return { ...event, at: Date.parse(at), ...(request !== undefined && { request }) } as ListedEvent
}

function parsed(text: string, number: number): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw error instanceof JsonFault ? noEvent(number, error.message) : error
  }
}

function noEvent(number: number, why: string): Failure {
  return new Failure(
    'not_intact',
    `line ${number} is no event of a record: ${why}`,
    'If `mayfly audit export` wrote it so, the file was altered since.',
  )
}

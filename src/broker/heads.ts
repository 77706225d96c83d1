/** Where the head of the record goes with every commit: out of reach of whoever can write the store. */
import { createSocket } from 'node:dgram'
import { closeSync, openSync, writeSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { hostname } from 'node:os'
import type { Head } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import { isoTime } from '../base/iso-time.ts'
import type { Heads } from '../config/values.ts'
import type { Log } from '../base/log.ts'
import { makePrivate } from '../store/files.ts'

export interface HeadSink {
  put(head: Head): void
  close(): void
}

/** Facility 13 (log audit), severity 6 (informational): RFC 5424 §6.2.1. */
const priority = 13 * 8 + 6

/** @throws Error when the file that is named cannot be written. */
export function createHeadSink(heads: Heads, { clock, log }: { clock: Clock; log: Log }): HeadSink {
  const time = () => isoTime(clock.now())
  const say = (head: Head) => log.info({ head: textOf(head) }, 'audit head')
  if (heads.kind === 'log') return once({ put: say, close: () => undefined })
  const failed = (error: unknown, head: Head) => {
    log.error({ err: error }, 'a head of the record could not be sent where it belongs, so it stands here')
    say(head)
  }
  if (heads.kind === 'file') {
    makePrivate(heads.path, log)
    const file = openSync(heads.path, 'a')
    return once({
      put(head) {
        try {
          writeSync(file, `${time()} ${textOf(head)}\n`)
        } catch (error) {
          failed(error, head)
        }
      },
      close: () => closeSync(file),
    })
  }
  const socket = createSocket(isIPv6(heads.host) ? 'udp6' : 'udp4').unref()
  return once({
    put(head) {
      const message = `<${priority}>1 ${time()} ${hostname()} mayfly ${process.pid} head - ${textOf(head)}`
      socket.send(message, heads.port, heads.host, (error) => error && failed(error, head))
    },
    close: () => socket.close(),
  })
}

export function textOf({ seq, mac }: Head): string {
  return `${seq}:${mac}`
}

/** Not every commit puts something on record. */
function once(sink: HeadSink): HeadSink {
  let last = 0
  return {
    put(head) {
      if (head.seq === last) return
      last = head.seq
      sink.put(head)
    },
    close: () => sink.close(),
  }
}

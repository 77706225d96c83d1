/** Cursors as an admin sees them: opaque, and good only for the list that gave them. */
import { z } from '@hono/zod-openapi'

/** `place` is where the list itself would go on; null at its end. */
export function cursorOf(list: string, place: string | null): string | null {
  return place === null ? null : Buffer.from(`${list}:${place}`).toString('base64url')
}

/** A cursor of `list`, read back to the place that it stands for. Elsewhere the same place would be another row. */
export function cursorIn(list: string) {
  return z
    .string()
    .max(300)
    .transform((cursor, context) => {
      const [of, ...place] = Buffer.from(cursor, 'base64url').toString().split(':')
      if (of === list && cursorOf(list, place.join(':')) === cursor) return place.join(':')
      context.addIssue('this is not from this list')
      return z.NEVER
    })
    .openapi({ type: 'string', description: '`next` of the page before' })
}

/** Recognises errors of SQLite's own. */

const codes: readonly unknown[] = ['ERR_SQLITE_ERROR', 'ERR_INVALID_STATE']
/** SQLITE_BUSY, of https://sqlite.org/rescode.html */
export const sqliteBusy = 5

/** An error of the database itself, or of using it after it was closed. */
export function isDatabaseError(error: unknown): error is Error & { errcode?: number } {
  return error instanceof Error && 'code' in error && codes.includes(error.code)
}

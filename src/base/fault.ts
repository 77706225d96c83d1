/** What is wrong with something an operator wrote, and what to do about it. */

/** One fault in a configuration, an agent file or a policy. */
export interface Fault {
  /** The file it stands in, as the operator named it. */
  file: string
  /** Where in it: `issuers.github-actions.audience`, a policy's id, or `` for the whole file. */
  path: string
  /** The line and column, both from 1, where they are known. */
  line?: number
  column?: number
  /** What is wrong, one line. */
  message: string
  /** What to do about it, one line. */
  remedy: string
  /** Set on what does not stop the start. */
  warning?: true
}

/** Where it is and what is wrong, one line. */
export function sayFault({ file, path, line, column, message }: Fault): string {
  if (line === undefined) return said([file, path, message])
  // What has no name is called by its line.
  return said([`${file}:${line}:${column ?? 1}`, path === `line ${line}` ? '' : path, message])
}

function said(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(': ')
}

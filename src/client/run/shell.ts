/** One word for a POSIX shell, which git quotes in the same way. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}

import { createInterface } from 'node:readline'

/** Asks on the terminal. `y` and `yes` are a yes; anything else, Ctrl-C and the end of input are a no. */
export async function confirm(
  question: string,
  terminal: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream } = {
    input: process.stdin,
    output: process.stderr,
  },
): Promise<boolean> {
  const lines = createInterface(terminal)
  try {
    const answered = await new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''))
      lines.question(question, resolve)
    })
    return /^y(?:es)?$/i.test(answered.trim())
  } finally {
    lines.close()
  }
}

/** There is no token to show, or not a usable one. Never holds one. */
export class NoIdentity extends Error {
  /** What to do about it, one line. */
  readonly remedy: string

  constructor(message: string, remedy: string) {
    super(message)
    this.name = 'NoIdentity'
    this.remedy = remedy
  }
}

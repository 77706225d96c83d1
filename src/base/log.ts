/** The operator's log, as the core needs it. `pino` is one. Never given a secret. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

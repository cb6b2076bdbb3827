// What our code asks of a logger: facts as fields and a constant message. A pino logger is one.

type Write = (facts: object, message: string) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

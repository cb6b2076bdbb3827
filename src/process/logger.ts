// Structured logs: one JSON line per fact on stdout, a constant message, never a secret.
import { type DestinationStream, type LevelWithSilent, pino, stdTimeFunctions } from 'pino';

/** Facts of a log line. An error goes under `err`, which keeps its type, message, stack and causes. */
export type Fields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

export type LogLevel = Extract<LevelWithSilent, 'debug' | 'info' | 'warn' | 'error' | 'silent'>;

export interface LoggerOptions {
  level: LogLevel;
  /** Which process speaks: `operator`, `gateway`, `puller` … */
  component: string;
  /** Where lines go; default: stdout, written synchronously, so that the last words before a crash are not lost. */
  destination?: DestinationStream;
}

const secretFields = [
  'authorization',
  'Authorization',
  'proxy-authorization',
  'cookie',
  'token',
  'accessToken',
  'access_token',
  'refreshToken',
  'refresh_token',
  'idToken',
  'id_token',
  'bearer',
  'password',
  'secret',
  'apiKey',
  'api_key',
  'clientSecret',
  'client_secret',
  'privateKey',
] as const;

/** A line is a few levels deep at most: fields, the error or request in them, its headers. */
const depths = ['', '*', '*.*'] as const;

const pathOf = (depth: string, field: string) =>
  field.includes('-') ? `${depth}["${field}"]` : depth ? `${depth}.${field}` : field;

/** A logger that writes JSON lines with ISO timestamps; values of fields that are named like secrets are cut out. */
export function createLogger({ level, component, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { component },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: depths.flatMap((depth) => secretFields.map((field) => pathOf(depth, field))),
      censor: '[redacted]',
    },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** For tests, and for code whose caller does not care. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

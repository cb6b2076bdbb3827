// A logger that keeps its lines for the test to read.
import type { Fields, Logger } from '../../src/process/logger.ts';

export interface LogLine {
  level: keyof Logger;
  message: string;
  fields: Fields;
}

export function recordLog(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: keyof Logger) => (fields: Fields, message: string) => void lines.push({ level, message, fields });
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

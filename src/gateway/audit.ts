// The audit log: one JSON line per request, who asked what of which model and what came of it; never a word of the text.
import type { Clock } from '../process/clock.ts';
import type { ExchangeRecord } from './exchange.ts';

export interface Audit {
  exchange(record: ExchangeRecord): void;
}

export interface AuditOptions {
  /** Takes a line with its end; meant for stdout, while the log goes to stderr. */
  write(line: string): void;
  clock: Clock;
}

/** What nginx and Ollama call it: the client has gone before there was an answer. */
export const CLIENT_GONE_STATUS = 499;

const inSeconds = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms) / 1000);

export function createAudit({ write, clock }: AuditOptions): Audit {
  return {
    exchange(record) {
      const line = {
        time: new Date(clock.now()).toISOString(),
        audit: 'request',
        requestId: record.requestId,
        client: record.client,
        method: record.route && record.method,
        route: record.route?.path,
        model: record.model,
        status: record.status ?? CLIENT_GONE_STATUS,
        outcome: record.outcome,
        reason: record.reason,
        inputTokens: record.usage?.inputTokens,
        outputTokens: record.usage?.outputTokens,
        queueSeconds: inSeconds(record.queueMs),
        totalSeconds: inSeconds(record.totalMs),
      };
      write(`${JSON.stringify(line)}\n`);
    },
  };
}

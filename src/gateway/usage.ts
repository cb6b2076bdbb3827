// Reads along with an answer: how many tokens went in and out, how long the runtime took, and whether the answer came to its end.
import { createDataScanner, type EventHolder } from './eventStream.ts';
import { createUsageHider } from './hiddenUsage.ts';
import { createMemberScanner, type Found } from './memberScan.ts';

/** As far as the runtime says. */
export interface Usage {
  inputTokens?: number;
  outputTokens?: number;
  /** Reading the prompt. */
  promptSeconds?: number;
  /** Writing the answer. */
  outputSeconds?: number;
  loadSeconds?: number;
}

export interface AnswerReader {
  /** What of this piece, and of what was held back before, goes to the client. */
  push(bytes: Uint8Array): readonly Uint8Array[];
  /** What was still held back, once the runtime has ended its answer. */
  end(): readonly Uint8Array[];
  readonly usage: Readonly<Usage>;
  /** Records or events so far: roughly tokens. */
  readonly records: number;
  /** The last record was seen. A stream that ends without is broken off, whatever the connection says. */
  readonly complete: boolean;
  /** The runtime has reported an error after its 200. */
  readonly failed: boolean;
}

export interface AnswerReaderOptions {
  /** Of the runtime's answer. */
  contentType: string | undefined;
  /** Usage was asked for on our behalf (src/gateway/bodies.ts). */
  hideUsage: boolean;
}

/** Ollama's own records, OpenAI's, Responses' and Anthropic's: their names do not clash. */
const PATHS = [
  'done',
  'error',
  'type',
  'prompt_eval_count',
  'eval_count',
  'prompt_eval_duration',
  'eval_duration',
  'load_duration',
  'usage',
  'message.usage',
  'response.usage',
  'response.error',
] as const;

/** Types of the last event: Anthropic's, and those of Responses. */
const lastTypes: ReadonlySet<string> = new Set([
  'message_stop',
  'response.completed',
  'response.incomplete',
  'response.failed',
  'error',
]);
const failedTypes: ReadonlySet<string> = new Set(['response.failed', 'error']);

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && value >= 0 && Number.isFinite(value);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const NANOSECONDS = 1e9;

/** Numbers of Ollama's final record. */
const ollamaNumbers = [
  ['prompt_eval_count', 'inputTokens', 1],
  ['eval_count', 'outputTokens', 1],
  ['prompt_eval_duration', 'promptSeconds', NANOSECONDS],
  ['eval_duration', 'outputSeconds', NANOSECONDS],
  ['load_duration', 'loadSeconds', NANOSECONDS],
] as const satisfies readonly (readonly [(typeof PATHS)[number], keyof Usage, number])[];

/** Members of a usage object: OpenAI's names, then those of Responses and Anthropic. */
const usageNumbers = [
  ['prompt_tokens', 'inputTokens'],
  ['completion_tokens', 'outputTokens'],
  ['input_tokens', 'inputTokens'],
  ['output_tokens', 'outputTokens'],
] as const satisfies readonly (readonly [string, keyof Usage])[];

/** Counts are running totals: a later one replaces an earlier one, and a zero never takes back what was counted. */
function count(usage: Usage, name: keyof Usage, value: unknown, unit = 1): void {
  if (isCount(value) && (value > 0 || usage[name] === undefined)) usage[name] = value / unit;
}

function readUsage(usage: Usage, found: Found): void {
  for (const [path, name, unit] of ollamaNumbers) count(usage, name, parsed(found[path]), unit);
  for (const path of ['message.usage', 'response.usage', 'usage']) {
    const reported = parsed(found[path]);
    if (isRecord(reported)) for (const [key, name] of usageNumbers) count(usage, name, reported[key]);
  }
}

const isSet = (text: string | undefined): boolean => text !== undefined && text !== 'null';

/** What ends an OpenAI stream, with the space before it. */
const DONE = '[DONE]';
const DONE_LENGTH = DONE.length + 1;
const BRACKET = DONE.charCodeAt(0);

function isDone(data: Uint8Array): boolean {
  if (data[0] !== BRACKET && data[1] !== BRACKET) return false; // as with every other event
  return Buffer.from(data.subarray(0, DONE_LENGTH)).toString('latin1').trim().startsWith(DONE);
}

class Reader implements AnswerReader {
  readonly usage: Usage = {};
  records = 0;
  complete = false;
  failed = false;
  readonly #wholeAtOnce: boolean;
  readonly #look: (bytes: Uint8Array) => void;
  readonly #hider: EventHolder | undefined;

  constructor({ contentType = '', hideUsage }: AnswerReaderOptions) {
    const events = contentType.startsWith('text/event-stream');
    this.#wholeAtOnce = !events && !contentType.startsWith('application/x-ndjson');
    this.#look = events ? this.#eventLooker() : this.#recordLooker();
    this.#hider = events && hideUsage ? createUsageHider() : undefined;
  }

  push(bytes: Uint8Array): readonly Uint8Array[] {
    this.#look(bytes);
    return this.#hider?.push(bytes) ?? [bytes];
  }

  end(): readonly Uint8Array[] {
    return this.#hider?.end() ?? [];
  }

  #recordLooker() {
    const scanner = createMemberScanner(PATHS, (found) => this.#record(found));
    return (bytes: Uint8Array) => scanner.write(bytes);
  }

  #eventLooker() {
    const scanner = createMemberScanner(PATHS, (found) => this.#record(found));
    let head: Uint8Array | undefined;
    return createDataScanner({
      data: (bytes) => {
        if (!head || head.length < DONE_LENGTH) head = head ? Buffer.concat([head, bytes]) : bytes;
        scanner.write(bytes);
      },
      end: () => {
        if (head && isDone(head)) this.complete = true;
        head = undefined;
        scanner.reset();
      },
    });
  }

  #record(found: Found): void {
    this.records++;
    readUsage(this.usage, found);
    const type = parsed(found.type);
    if (isSet(found.error) || isSet(found['response.error']) || (typeof type === 'string' && failedTypes.has(type)))
      this.failed = true;
    if (this.#wholeAtOnce || found.done === 'true' || (typeof type === 'string' && lastTypes.has(type)))
      this.complete = true;
  }
}

/** Holds nothing back unless usage has to be hidden, and then one event at most; keeps none of the text. */
export const createAnswerReader = (options: AnswerReaderOptions): AnswerReader => new Reader(options);

// Takes out of an OpenAI stream the usage that only the gateway asked for.
import { createEventHolder, dataOf, type EventHolder } from './eventStream.ts';
import { pieces } from './jsonEdit.ts';
import { JsonError, membersAt } from './jsonScan.ts';

const USAGE = Buffer.from('"usage"');
const EMPTY = /^\[\s*\]$/;

/**
 * Ollama sends usage in a chunk of its own without choices, and on /v1/completions in every chunk besides
 * (ollama/ollama v0.32.15 middleware/openai.go).
 */
function withoutUsage(event: Uint8Array): Uint8Array | undefined {
  const data = Buffer.from(event.buffer, event.byteOffset, event.byteLength).includes(USAGE) && dataOf(event);
  if (!data) return event;
  const payload = event.subarray(data.start, data.end);
  try {
    const { members, end } = membersAt(payload, 0);
    const others = members.filter(({ key }) => key !== 'usage');
    if (others.length === members.length) return event;
    const choices = members.find(({ key }) => key === 'choices');
    const noChoices =
      choices && EMPTY.test(Buffer.from(payload.subarray(choices.valueStart, choices.valueEnd)).toString());
    if (noChoices) return undefined;
    return Buffer.concat([
      event.subarray(0, data.start),
      ...pieces(payload, others),
      payload.subarray(end),
      event.subarray(data.end),
    ]);
  } catch (error) {
    if (error instanceof JsonError || error instanceof SyntaxError || error instanceof TypeError) return event;
    throw error;
  }
}

/** What passes are the same bytes as if nobody had asked. */
export const createUsageHider = (): EventHolder => createEventHolder(withoutUsage);

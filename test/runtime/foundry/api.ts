// Calls of the core's web service, as the gateway makes them.

export interface Answer {
  status: number;
  /** Parsed, or the text where it is not JSON. Of a stream: the last event. */
  body: Record<string, unknown>;
  /** Of a stream: the text of all events together. */
  content: string;
  /** Of a stream: how many there were. */
  events: number;
}

type Chunk = { choices?: { delta?: { content?: string } }[] };

const parse = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
};

const eventsOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => parse(line.slice('data: '.length)));

/** Without a body: GET. The core answers 400 to JSON that is not called so. */
export async function call(url: string, path: string, body?: object): Promise<Answer> {
  const init = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await fetch(`${url}${path}`, init);
  const text = await response.text();
  const events = eventsOf(text);
  const content = events.map((event) => (event as Chunk).choices?.[0]?.delta?.content ?? '').join('');
  return { status: response.status, body: events.at(-1) ?? parse(text), content, events: events.length };
}

/** The ids of what is loaded. */
export async function loadedIds(url: string): Promise<string[]> {
  const response = await fetch(`${url}/models/loaded`);
  return (await response.json()) as string[];
}

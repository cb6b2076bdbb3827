// What clients do: as much as they can, a steady number of requests a second, or many streams at once.
import { Pool } from 'undici';

export interface Target {
  /** Without a path. */
  url: string;
  model: string;
}

/** About 1 KiB, as a short conversation has. */
const conversation = [{ role: 'user', content: 'Tell me of the sea. '.repeat(48) }];

const bodyOf = ({ model }: Target, more: object = {}): string =>
  JSON.stringify({ model, messages: conversation, ...more });

async function withPool<T>({ url }: Target, connections: number, use: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = new Pool(url, { connections });
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

const headers = { 'content-type': 'application/json' };
const path = '/v1/chat/completions';

async function ask(pool: Pool, body: string): Promise<void> {
  const answer = await pool.request({ method: 'POST', path, headers, body });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text}`);
}

/** Each connection asks again as soon as it has its answer. Resolves with the requests a second. */
export function asFastAsPossible(target: Target, connections: number, seconds: number): Promise<number> {
  return withPool(target, connections, async (pool) => {
    const body = bodyOf(target);
    await ask(pool, body);
    const begun = performance.now();
    const until = begun + seconds * 1000;
    let answered = 0;
    const client = async () => {
      while (performance.now() < until) {
        await ask(pool, body);
        answered++;
      }
    };
    await Promise.all(Array.from({ length: connections }, client));
    return answered / ((performance.now() - begun) / 1000);
  });
}

export interface SteadyLoad {
  connections: number;
  perSecond: number;
  seconds: number;
}

/** Requests at fixed times, whatever the answers take. Resolves with the milliseconds of each, from when it was due. */
export function steadily(target: Target, { connections, perSecond, seconds }: SteadyLoad): Promise<number[]> {
  return withPool(target, connections, async (pool) => {
    const body = bodyOf(target);
    const total = Math.floor(perSecond * seconds);
    const begun = performance.now();
    const times: number[] = [];
    const running: Promise<void>[] = [];
    for (let sent = 0; sent < total; ) {
      const due = begun + (sent / perSecond) * 1000;
      if (performance.now() < due) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      sent++;
      const from = performance.now();
      running.push(ask(pool, body).then(() => void times.push(performance.now() - from)));
    }
    await Promise.all(running);
    return times;
  });
}

export interface Streamed {
  tokens: number;
  /** From the first request until the last token. */
  seconds: number;
  /** Milliseconds from each request to its first token. */
  firstTokenMs: number[];
}

const MARK = Buffer.from('" word"');

function tokensIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + MARK.length)) count++;
  return count;
}

/** All streams at once, each of so many tokens. */
export function streaming(target: Target, streams: number, tokensEach: number): Promise<Streamed> {
  return withPool(target, streams, async (pool) => {
    const body = bodyOf(target, { stream: true, max_tokens: tokensEach });
    const begun = performance.now();
    const firstTokenMs: number[] = [];
    let tokens = 0;
    const one = async () => {
      const answer = await pool.request({ method: 'POST', path, headers, body });
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${await answer.body.text()}`);
      let rest = Buffer.alloc(0);
      let seen = 0;
      for await (const chunk of answer.body) {
        const bytes = Buffer.concat([rest, chunk as Buffer]);
        const found = tokensIn(bytes);
        if (seen === 0 && found > 0) firstTokenMs.push(performance.now() - begun);
        seen += found;
        rest = bytes.subarray(Math.max(0, bytes.lastIndexOf(MARK) + MARK.length, bytes.length - MARK.length + 1));
      }
      tokens += seen;
    };
    await Promise.all(Array.from({ length: streams }, one));
    return { tokens, seconds: (performance.now() - begun) / 1000, firstTokenMs };
  });
}

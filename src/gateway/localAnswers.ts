// Answers that the gateway gives by itself, from what it knows of the pod.
import { type ModelFacts, ollamaLoaded, ollamaTags, openAiList, openAiOne, type Served } from './models.ts';
import type { Handling, Match } from './routes.ts';

export interface LocalInput {
  readonly served: Served;
  /** Absent: no model is loaded. */
  readonly loaded: ModelFacts | undefined;
  /** Since when the names are known, where no model is loaded: milliseconds since the epoch. */
  readonly since: number;
  readonly match: Match;
}

export type LocalHandling = Exclude<Handling, 'Work' | 'Light'>;

export interface LocalAnswer {
  readonly contentType: string;
  readonly body: string;
}

const json = (value: unknown): LocalAnswer => ({ contentType: 'application/json', body: JSON.stringify(value) });

const factsOf = ({ loaded, since }: LocalInput): ModelFacts => loaded ?? { since };

const answers: Readonly<Record<LocalHandling, (input: LocalInput) => LocalAnswer>> = {
  Models: (input) => json(openAiList(input.served.names, factsOf(input))),
  Model: (input) => json(openAiOne(input.served, input.match.name ?? '', factsOf(input))),
  Tags: (input) => json(ollamaTags(input.served.names, factsOf(input))),
  Loaded: ({ served, loaded }) => json(ollamaLoaded(served.names, loaded)),
  LoadedIds: ({ served, loaded }) => json(loaded ? served.names : []),
  // Clients of Ollama look for these very words.
  Greeting: () => ({ contentType: 'text/plain; charset=utf-8', body: 'Ollama is running' }),
};

/** Throws a GatewayError: ModelNotFound with the right names. */
export function localAnswer(handling: LocalHandling, input: LocalInput): LocalAnswer {
  return answers[handling](input);
}

export const isLocal = (handling: Handling): handling is LocalHandling => handling !== 'Work' && handling !== 'Light';

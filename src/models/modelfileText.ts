// Modelfiles as text, as Ollama's parser/parser.go reads them; what never was or no longer is an instruction gets today's form.
import { parameterNameProblem } from './parameters.ts';

type Role = 'system' | 'user' | 'assistant';

export interface ModelfileText {
  /** The last FROM: a reference, or the path of a file. */
  readonly from: string;
  readonly system?: string;
  readonly template?: string;
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
  readonly messages: readonly { readonly role: Role; readonly content: string }[];
  /** References or paths. */
  readonly adapters: readonly string[];
  readonly licenses: readonly string[];
  /** Instructions that a deployment has no field for. */
  readonly others: readonly { readonly instruction: string; readonly value: string }[];
}

export interface ModelfileProblem {
  /** Counted from 1; of the instruction's first line. */
  readonly line: number;
  readonly message: string;
}

const instructions = [
  'FROM',
  'PARAMETER',
  'TEMPLATE',
  'SYSTEM',
  'ADAPTER',
  'LICENSE',
  'MESSAGE',
  'REQUIRES',
  'RENDERER',
  'PARSER',
  'DRAFT',
] as const;

type Instruction = (typeof instructions)[number];

/** What courses and other programs have, and what to do instead. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['FILE', 'a model cannot carry files to look things up in; that is the work of a retrieval service in front of it'],
  ['MODEL', 'the base is named by FROM'],
  ['PARAM', 'parameters are set by PARAMETER'],
  ['PROMPT', 'the system prompt is set by SYSTEM'],
  ['RUN', 'nothing is run while a model is made'],
  ['EMBED', 'it was removed; a retrieval service in front of the model does that'],
]);

const isInstruction = (word: string): word is Instruction => instructions.some((known) => known === word);
const isRole = (word: string): word is Role => ['system', 'user', 'assistant'].includes(word);

/** The text inside quotes; undefined while the closing ones are still to come. */
function unquoted(text: string): string | undefined {
  const quote = ['"""', '"'].find((mark) => text.startsWith(mark));
  if (!quote) return text;
  const closes = text.length >= 2 * quote.length && text.endsWith(quote);
  return closes ? text.slice(quote.length, -quote.length) : undefined;
}

interface Command {
  readonly line: number;
  readonly word: string;
  /** Of PARAMETER the name, of MESSAGE the role; of the others empty. */
  readonly key: string;
  /** Undefined where a quote is never closed. */
  readonly value: string | undefined;
}

/** A value ends with its line, unless a quote is open. */
function commandAt(lines: readonly string[], at: number): { command: Command; next: number } {
  const line = lines[at]?.trimStart() ?? '';
  const word = /^\S*/.exec(line)?.[0] ?? '';
  const rest = line.slice(word.length).trimStart();
  /** Quotes count only behind it. */
  const key = /^(parameter|message)$/i.test(word) ? (/^\S*/.exec(rest)?.[0] ?? '') : '';
  const command = { line: at + 1, word, key };
  let value = rest.slice(key.length);
  for (let next = at + 1; ; next++) {
    const inside = unquoted(value.trim());
    if (inside !== undefined) return { command: { ...command, value: inside }, next };
    if (next >= lines.length) return { command: { ...command, value: undefined }, next };
    value = `${value}\n${lines[next]}`;
  }
}

function commandsOf(text: string): Command[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]?.trim() ?? '';
    if (line === '' || line.startsWith('#')) {
      at++;
      continue;
    }
    const { command, next } = commandAt(lines, at);
    commands.push(command);
    at = next;
  }
  return commands;
}

function problemOf({ word, key, value }: Command): string | undefined {
  const instruction = word.toUpperCase();
  if (!isInstruction(instruction)) {
    const hint = elsewhere.get(instruction) ?? `there are ${instructions.join(', ')}`;
    return `${word.slice(0, 40)} is not an instruction: ${hint}`;
  }
  if (value === undefined) return `the quote behind ${instruction} is never closed`;
  if (instruction === 'PARAMETER')
    return parameterNameProblem(key) ?? (value === '' ? `${key} has no value` : undefined);
  if (instruction === 'MESSAGE' && !isRole(key))
    return `a MESSAGE is of system, user or assistant, not of ${key || 'nobody'}`;
  return value === '' && instruction === 'FROM' ? 'FROM names no model' : undefined;
}

/** Either what it says, or everything that is wrong with it. */
export function parseModelfile(text: string): ModelfileText | { readonly problems: readonly ModelfileProblem[] } {
  const commands = commandsOf(text);
  const problems = commands.flatMap((command) => {
    const message = problemOf(command);
    return message ? [{ line: command.line, message }] : [];
  });
  const all = (instruction: Instruction) =>
    commands.filter(({ word }) => word.toUpperCase() === instruction).map(({ key, value = '' }) => ({ key, value }));
  const valuesOf = (instruction: Instruction) => all(instruction).map(({ value }) => value);
  const from = valuesOf('FROM').at(-1);
  if (from === undefined) problems.push({ line: 1, message: 'there is no FROM, which names the model to begin with' });
  if (from === undefined || problems.length > 0) return { problems };
  const [system, template] = [valuesOf('SYSTEM').at(-1), valuesOf('TEMPLATE').at(-1)];
  return {
    from,
    ...(system && { system }),
    ...(template && { template }),
    parameters: all('PARAMETER').map(({ key, value }) => ({ name: key, value })),
    messages: all('MESSAGE').flatMap(({ key, value }) => (isRole(key) ? [{ role: key, content: value }] : [])),
    adapters: valuesOf('ADAPTER'),
    licenses: valuesOf('LICENSE'),
    others: (['REQUIRES', 'RENDERER', 'PARSER', 'DRAFT'] as const).flatMap((instruction) =>
      valuesOf(instruction).map((value) => ({ instruction, value })),
    ),
  };
}

// lmd: what people run by hand. A new verb is one more entry in the table.
import { PullError } from '../models/errors.ts';
import { importFiles } from './import/import.ts';
import { pack } from './pack/pack.ts';
import { type Surroundings, UsageError, type Verb } from './verb.ts';

export const verbs = { pack, import: importFiles } as const satisfies Record<string, Verb>;

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

const isVerb = (word: string): word is keyof typeof verbs => Object.hasOwn(verbs, word);

export function overview(): string {
  const lines = Object.entries<Verb>(verbs).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return `lmd: tools for local models on Kubernetes, to be run by hand.

Usage: lmd VERB [arguments]

${lines.join('\n')}

lmd VERB --help says more. Exit codes: 0 done, 1 could not be done, 2 not understood.
`;
}

/** Help may stand anywhere but behind `--`. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

async function runVerb(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const [word, ...rest] = args;
  if (word === undefined) throw new UsageError('which verb?');
  if (word === 'help' || word === '--help' || word === '-h') return void surroundings.stdout.write(overview());
  if (!isVerb(word)) throw new UsageError(`there is no verb ${word}; there is ${Object.keys(verbs).join(', ')}`);
  if (asksForHelp(rest)) return void surroundings.stdout.write(verbs[word].help);
  await verbs[word].run(rest, surroundings);
}

/** Runs one command; resolves with the exit code, having said on stderr what went wrong. */
export async function lmd(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stderr, signal } = surroundings;
  try {
    await runVerb(args, surroundings);
    return exitCodes.done;
  } catch (error) {
    if (error instanceof UsageError) {
      const [word = ''] = args;
      stderr.write(`lmd: ${error.message}\nlmd ${isVerb(word) ? `${word} ` : ''}--help says how it is used\n`);
      return exitCodes.usage;
    }
    if (signal.aborted) stderr.write('lmd: stopped; nothing is left behind\n');
    else if (error instanceof PullError) stderr.write(`lmd: ${error.message}\n`);
    else stderr.write(`lmd: this is a bug: ${error instanceof Error ? error.stack : error}\n`);
    return exitCodes.failed;
  }
}

// Ollama Modelfiles: each instruction in its field. What Ollama would refuse or ignore is noted, not carried along.
import { type ModelfileText, parseModelfile } from '../../models/modelfileText.ts';
import { parameterProblem, renamed } from '../../models/parameters.ts';
import { referenceProblem } from '../../models/reference.ts';
import { type Draft, shown } from './draft.ts';
import { setNumber, setOllamaModel } from './words.ts';

/** A file with FROM and nothing that looks like another format. */
export const isModelfile = (text: string): boolean =>
  /^\s*FROM\s+\S/im.test(text) && !/^\s*(apiVersion|kind)\s*:/m.test(text);

const PARAMETER = /^(\s*PARAMETER\s+)(\S+)(.*)$/i;

/** Names of other programs and of courses, replaced by Ollama's. */
function withTodaysNames(draft: Draft, text: string): string {
  return text
    .split('\n')
    .map((line, index) => {
      const [, before = '', name = '', after = ''] = PARAMETER.exec(line) ?? [];
      const right = renamed.get(name.toLowerCase());
      if (!right) return line;
      draft.note(`line ${index + 1}`, `${name} is no parameter of Ollama; it is called ${right}`);
      return `${before}${right}${after}`;
    })
    .join('\n');
}

/** Reads on without the lines that cannot be, each of which is noted. Undefined where nothing is left. */
function parsed(draft: Draft, text: string): ModelfileText | undefined {
  const lines = text.split('\n');
  for (let round = 0; round <= lines.length; round++) {
    const result = parseModelfile(lines.join('\n'));
    if (!('problems' in result)) return result;
    const told = result.problems.filter(({ line }) => (lines[line - 1] ?? '').trim() !== '');
    for (const { line, message } of result.problems) {
      draft.note(`line ${line}`, message);
      lines[line - 1] = '';
    }
    if (told.length === 0) return undefined;
  }
  return undefined;
}

/** Parameters that have a field of their own. */
const fields: Readonly<Record<string, string>> = {
  num_ctx: 'performance.maxContext',
  num_thread: 'performance.threads',
  num_batch: 'performance.batchSize',
  num_gpu: 'ollama.gpuLayers',
};

function setParameters(draft: Draft, parameters: ModelfileText['parameters']): void {
  const kept: { name: string; value: string }[] = [];
  for (const { name, value } of parameters) {
    const from = `PARAMETER ${name}`;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field) setNumber(draft, field, value, from);
    else {
      const problem = parameterProblem({ name, value }, kept);
      if (problem) draft.note(from, `${problem}; ${shown(value)} is left out`);
      else kept.push({ name, value });
    }
  }
  if (kept.length > 0) draft.set('ollama.modelfile.parameters', kept, 'PARAMETER');
}

function setBase(draft: Draft, from: string): void {
  const file = /\.(gguf|safetensors|bin)$/i.test(from) || /^[./~]/.test(from);
  if (!file) {
    setOllamaModel(draft, from, 'FROM');
    return;
  }
  const name = (from.split('/').pop() ?? '').replace(/\.[^.]*$/, '');
  if (!referenceProblem(name)) draft.set('model.name', name, 'FROM');
  draft.note(
    'FROM',
    `${shown(from)} is a file: put it into an image with lmd pack --gguf and give that as model.source.image, or put it on a volume (model.source.volume)`,
  );
}

function setAdapters(draft: Draft, adapters: readonly string[]): void {
  const references = adapters.filter((name) => !/^[./~]/.test(name) && !/\.(gguf|bin|safetensors)$/i.test(name));
  for (const name of adapters.filter((each) => !references.includes(each)))
    draft.note(
      'ADAPTER',
      `${shown(name)} is a file: it can lie beside the base in an image or on a volume (lmd pack --gguf)`,
    );
  if (references.length > 0)
    draft.set(
      'ollama.modelfile.adapters',
      references.map((name) => ({ name })),
      'ADAPTER',
    );
}

export function importModelfile(draft: Draft, text: string): void {
  draft.set('runtime', 'Ollama', 'the form of the file');
  const content = parsed(draft, withTodaysNames(draft, text.replace(/\r\n?/g, '\n')));
  if (!content) return;
  const { from, system, template, parameters, messages, adapters, licenses, others } = content;
  setBase(draft, from);
  setParameters(draft, parameters);
  if (system) draft.set('ollama.modelfile.system', system, 'SYSTEM');
  if (template) draft.set('ollama.modelfile.template', template, 'TEMPLATE');
  if (messages.length > 0) draft.set('ollama.modelfile.messages', messages, 'MESSAGE');
  setAdapters(draft, adapters);
  if (licenses.length > 0) draft.set('ollama.modelfile.license', licenses.join('\n\n'), 'LICENSE');
  for (const { instruction, value } of others)
    draft.note(instruction, `${shown(value)} has no equivalent: a base model brings what it needs of this`);
}

// Configuration in JSON as courses on Foundry Local teach it, which no program ever read: what it wants, in today's fields.
import { type Draft, type Fields, shown } from './draft.ts';
import { setFoundryModel, setLadder, setNumber, setPort, wholeNumber } from './words.ts';

type Rule = (draft: Draft, value: unknown, from: string) => void;

/** Has no equivalent, and why. */
const because =
  (why: string): Rule =>
  (draft, value, from) =>
    draft.note(from, `${shown(value)} has no equivalent: ${why}`);

const oneAfterTheOther = 'the core works on one request after the other, without batching';

const ladder: Rule = (draft, value, from) => {
  const { preferred, fallback } = value as Fields;
  const words = [preferred, ...(Array.isArray(fallback) ? fallback : [fallback])];
  setLadder(
    draft,
    words.filter((word) => word !== undefined && word !== null),
    from,
  );
};

const model: Rule = (draft, value, from) =>
  typeof value === 'string'
    ? setFoundryModel(draft, value, from)
    : draft.note(from, `${shown(value)} is no name of a model; left out`);

/** The default is open already, so only a refusal is worth a word. */
const openAi: Rule = (draft, value, from) => {
  if (value !== true) draft.note(from, 'Foundry Local can be asked in no other way; the OpenAI routes stay open');
};

const parallel: Rule = (draft, value, from) => {
  const number = wholeNumber(draft, value, from);
  if (number !== undefined && number > 1)
    draft.note(
      from,
      `${oneAfterTheOther}; for ${number} at once set replicas: ${number}, which takes ${number} times the memory`,
    );
};

const batching: Rule = (draft, value, from) => {
  if (value === true)
    draft.note(from, `has no equivalent: ${oneAfterTheOther}; others wait in the queue of the gateway`);
};

const keyValueCache: Rule = (draft, value, from) => {
  if (value !== true) draft.note(from, 'the key-value cache is always on');
};

/** By their path; what is not here is noted as not known. */
const rules: Readonly<Record<string, Rule>> = {
  'deployment.model': model,
  'deployment.hardware': ladder,
  'deployment.optimization.quantization': because(
    'a variant is quantized when it is published; another quantization is another variant or alias',
  ),
  'deployment.optimization.batch_size': because('Foundry Local has no batch size to set'),
  'deployment.optimization.max_context': (draft, value, from) =>
    setNumber(draft, 'performance.maxContext', value, from),
  'deployment.api.port': setPort,
  'deployment.api.openai_compatible': openAi,
  'performance.batch_processing': batching,
  'performance.parallel_requests': parallel,
  'performance.memory_optimization.enable_kv_cache': keyValueCache,
  'performance.memory_optimization.max_cache_size': because(
    'the cache grows with the context, so performance.maxContext bounds it, and resources.limits.memory the whole',
  ),
  'performance.hardware_scheduling.enable_dynamic_batching': batching,
  'performance.hardware_scheduling.max_batch_size': because(oneAfterTheOther),
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function walk(draft: Draft, value: unknown, path: string): void {
  const rule = rules[path];
  if (rule) rule(draft, value, path);
  else if (isFields(value) && Object.keys(value).length > 0)
    for (const [name, member] of Object.entries(value)) walk(draft, member, path ? `${path}.${name}` : name);
  else draft.note(path, `${shown(value)} is not known; left out`);
}

export const isCourse = (content: unknown): content is Fields =>
  isFields(content) && (isFields(content.deployment) || isFields(content.performance));

/** Either document, or both in one. */
export function importCourse(draft: Draft, content: Fields): void {
  draft.set('runtime', 'FoundryLocal', 'the form of the file');
  walk(draft, content, '');
}

// lmd import: files that people bring along, as a LocalModelDeployment, with a word on everything that has no honest equivalent.
import { basename } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { settingsOf } from '../../api/defaults.ts';
import { parseSpec } from '../../api/validate.ts';
import { PullError } from '../../models/errors.ts';
import { readBounded } from '../../models/files.ts';
import { runtimes } from '../../runtimes/catalogue.ts';
import { optionsHelp, readOptions } from '../options.ts';
import { type Surroundings, UsageError, type Verb } from '../verb.ts';
import { importCourse, isCourse } from './course.ts';
import { createDraft, type Draft } from './draft.ts';
import { importEnvironment, isEnvironment } from './environment.ts';
import { identityOf, importManifest, isManifest, objectsOf } from './manifest.ts';
import { importModelfile, isModelfile } from './modelfileImport.ts';
import { setFoundryModel, setOllamaModel } from './words.ts';

const options = {
  name: { value: 'NAME', help: 'Name of the deployment; default: that of the manifest, or made from the model' },
  namespace: { value: 'NAMESPACE', short: 'n', help: 'Its namespace; default: that of the manifest, or none' },
  model: { value: 'MODEL', help: 'The model, where the files do not name it' },
} as const;

const help = `lmd import: prints a LocalModelDeployment for files that configure a model in another way.

Usage: lmd import FILE… [--name NAME] [-n NAMESPACE] [--model MODEL]

${optionsHelp(options)}

Files, told apart by what is in them; several are put together, a later one holds:
  Modelfile           of Ollama
  deployment JSON     deployment.*, performance.*, as courses on Foundry Local have them
  manifest            an apps/v1 Deployment that runs Ollama or Foundry Local, with what stands beside it
  variables           OLLAMA_*=…, FOUNDRY_*=…, one a line

What has no equivalent, or never did anything, is told in comments above the deployment. Nothing is left out in silence.
`;

const MAX_BYTES = 4 * 1024 * 1024;

/** What the files said besides the spec. */
interface Identity {
  name?: string;
  namespace?: string;
}

function documentsOf(text: string): unknown[] {
  const documents = parseAllDocuments(text);
  if (documents.some(({ errors }) => errors.length > 0)) return [];
  try {
    return documents
      .map((document): unknown => document.toJS())
      .filter((content) => content !== null)
      .flatMap(objectsOf);
  } catch (error) {
    if (error instanceof ReferenceError) return []; // aliases that lead nowhere, or that would become millions of values
    throw error;
  }
}

/** Throws a PullError where the file is none of those that can be read. */
function importText(draft: Draft, text: string, file: string): Identity {
  if (isEnvironment(text)) {
    importEnvironment(draft, text);
    return {};
  }
  if (isModelfile(text)) {
    importModelfile(draft, text);
    return {};
  }
  const documents = documentsOf(text);
  const known = documents.filter((content) => isCourse(content) || isManifest(content));
  if (known.length === 0 || known.length < documents.length)
    throw new PullError(
      'InvalidReference',
      `${file} is none of the files that can be imported: a Modelfile, a deployment JSON, a manifest, variables (lmd import --help)`,
    );
  let identity: Identity = {};
  for (const content of known) {
    if (isManifest(content)) {
      importManifest(draft, content);
      identity = { ...identityOf(content), ...identity };
    } else if (isCourse(content)) importCourse(draft, content);
  }
  return identity;
}

/** gpuLayers means something only where there is a GPU in the ladder. */
function settleHardware(draft: Draft): void {
  const layers = draft.get('ollama.gpuLayers');
  if (layers === undefined || draft.get('hardware.preferred') !== undefined) return;
  const from = 'layers on the GPU';
  if (layers === 0) {
    draft.set('ollama.gpuLayers', undefined, from);
    draft.note(from, 'none on the GPU is what the rung CPU means, which is the default');
    return;
  }
  draft.set('hardware.preferred', { class: 'GPU' }, from);
  draft.set('hardware.fallback', [{ class: 'CPU' }], from);
  draft.note(from, 'ask for a GPU, so the ladder is GPU, then CPU; remove the fallback if the CPU will not do');
}

/** RFC 1035, at most 50: it becomes the name of a Service. */
function nameOf(model: unknown): string {
  const plain = String(model ?? '')
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 50)
    .replace(/-+$/, '');
  return plain || 'model';
}

const withoutEmpty = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function commentsOf(files: readonly string[], { notes }: Draft): string {
  const lines = notes.map(({ from, message }) => `${from}: ${message}`.replace(/\s*[\r\n]+\s*/g, ' '));
  const head = `Imported from ${files.map((file) => basename(file)).join(', ')} by lmd import.`;
  return [head, ...lines].map((line) => `# ${line}\n`).join('');
}

/** Throws a PullError that names the fields which keep it from being a deployment. */
function refuseUnusable(deployment: { metadata: { name: string }; spec: unknown }): void {
  const result = parseSpec(deployment);
  const problems =
    'problems' in result
      ? result.problems
      : runtimes[result.spec.runtime].check(settingsOf(deployment.metadata.name, result.spec));
  if (problems.length === 0) return;
  const told = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new PullError('InvalidReference', `what the files say makes no deployment: ${told}`);
}

async function readText(file: string): Promise<string> {
  const bytes = await readBounded(file, MAX_BYTES, file);
  if (!bytes) throw new PullError('NotFound', `there is no file ${file}`);
  return bytes.toString('utf8');
}

async function run(args: readonly string[], { stdout }: Surroundings): Promise<void> {
  const { values, rest: files } = readOptions(args, options);
  if (files.length === 0) throw new UsageError('which file?');
  const draft = createDraft();
  let identity: Identity = {};
  for (const file of files) identity = { ...identity, ...importText(draft, await readText(file), file) };
  if (values.model !== undefined)
    (draft.get('runtime') === 'FoundryLocal' ? setFoundryModel : setOllamaModel)(draft, values.model, '--model');
  if (draft.get('model.name') === undefined)
    throw new UsageError(`${files.join(', ')}: no model is named there; give it with --model`);
  settleHardware(draft);
  const name = values.name ?? identity.name ?? nameOf(draft.get('model.name'));
  const namespace = values.namespace ?? identity.namespace;
  const { runtime, model, ...more } = draft.spec;
  const deployment = {
    apiVersion: 'localmodels.dev/v1alpha1',
    kind: 'LocalModelDeployment',
    metadata: { name, ...(namespace && { namespace }) },
    spec: withoutEmpty({ runtime, model, ...more }),
  };
  refuseUnusable(deployment);
  // kubectl reads YAML 1.1, in which a bare off or yes is no string.
  stdout.write(`${commentsOf(files, draft)}${stringify(deployment, { lineWidth: 0, version: '1.1' })}`);
}

export const importFiles: Verb = {
  summary: 'Prints a deployment for a Modelfile, a manifest or the JSON of a course',
  help,
  run,
};

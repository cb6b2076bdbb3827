// lmd pack: models of an Ollama store, or a GGUF, as a container image in a file, for clusters that reach no model registry.
import { basename, join } from 'node:path';
import { PullError } from '../../models/errors.ts';
import { parseReference, type Reference, referenceProblem, shortReference } from '../../models/reference.ts';
import { openStore } from '../../models/store.ts';
import { optionsHelp, readOptions } from '../options.ts';
import { type Surroundings, UsageError, type Verb } from '../verb.ts';
import { writeArchive } from './archive.ts';
import { type Contents, contentsOfGguf, contentsOfStore, type PackedFile, sizeOfFiles } from './contents.ts';
import { type ArchiveFormat, archiveFormats, type Platform } from './documents.ts';
import { defaultImageName, type ImageName, parseImageName } from './imageName.ts';
import { layersOf } from './layers.ts';
import { createPackProgress, type PackProgress } from './progress.ts';
import { reportText } from './report.ts';

const options = {
  output: { value: 'IMAGE.tar', short: 'o', help: 'File to write; one that is there is replaced' },
  store: { value: 'DIR', help: 'Store to take models from; default: $OLLAMA_MODELS, else ~/.ollama/models' },
  gguf: { value: 'FILE', multiple: true, help: 'Take this file instead; again for its projector and adapters' },
  name: { value: 'NAME', help: 'With --gguf: name of the model; default: that of the file' },
  tag: { value: 'REPO:TAG', help: 'Name of the image; default: localhost/ and the name of the first model' },
  format: { value: 'oci|docker', default: 'oci', help: 'docker: docker load takes it too' },
  platform: { value: 'OS/ARCH', default: 'linux/amd64', help: 'Of the nodes; the model is the same on all' },
} as const;

const help = `lmd pack: writes models as a container image, to be carried to a cluster and mounted there (spec.model.source.image).

Usage:
  lmd pack [--store DIR] MODEL… -o IMAGE.tar [--tag REPO:TAG]
  lmd pack --gguf FILE [--name NAME] -o IMAGE.tar [--tag REPO:TAG]

${optionsHelp(options)}

Examples:
  lmd pack phi4-mini:3.8b -o phi4-mini.tar --tag registry.example.org/ai/phi4-mini:3.8b
  lmd pack --gguf ./Phi-4-mini-Q4_K_M.gguf --name phi4-mini:q4 -o phi4-mini.tar
  skopeo copy oci-archive:phi4-mini.tar docker://registry.example.org/ai/phi4-mini:3.8b

Formats:
${Object.entries(archiveFormats)
  .map(([name, meaning]) => `  ${name.padEnd(8)}${meaning}`)
  .join('\n')}

Every blob is checked against its digest on the way. The same models give the same bytes, on every machine.
`;

interface Request {
  readonly output: string;
  readonly from:
    | { readonly kind: 'Store'; readonly root: string; readonly references: readonly Reference[] }
    | { readonly kind: 'Gguf'; readonly reference: Reference; readonly paths: readonly string[] };
  readonly tag: ImageName | undefined;
  readonly format: ArchiveFormat;
  readonly platform: Platform;
}

const isFormat = (text: string): text is ArchiveFormat => Object.hasOwn(archiveFormats, text);

function formatOf(text = ''): ArchiveFormat {
  if (isFormat(text)) return text;
  throw new UsageError(`--format ${text}: there are ${Object.keys(archiveFormats).join(' and ')}`);
}

function platformOf(text = ''): Platform {
  const [, os, architecture] = /^(linux)\/([a-z0-9]+)$/.exec(text) ?? [];
  if (os && architecture) return { os, architecture };
  throw new UsageError(`--platform ${text}: it looks like linux/amd64 or linux/arm64`);
}

function referenceOf(text: string): Reference {
  const problem = referenceProblem(text);
  if (problem) throw new UsageError(`the model ${JSON.stringify(text)} ${problem.message}`);
  return parseReference(text);
}

/** The name of the file without its ending, where that can be the name of a model. */
function nameOfFile(path: string): Reference {
  const name = basename(path).replace(/\.gguf$/i, '');
  if (referenceProblem(name)) throw new UsageError(`${basename(path)} makes no name of a model; give one with --name`);
  return parseReference(name);
}

type Given = ReturnType<typeof readOptions<typeof options>>;

function fromOf({ values, lists, rest }: Given, { env, home }: Surroundings): Request['from'] {
  const [file, ...others] = lists.gguf ?? [];
  if (file !== undefined) {
    if (rest.length > 0) throw new UsageError(`${rest.join(' ')}: with --gguf the model is named by --name`);
    if (values.store) throw new UsageError('--store and --gguf exclude each other');
    const reference = values.name ? referenceOf(values.name) : nameOfFile(file);
    return { kind: 'Gguf', reference, paths: [file, ...others] };
  }
  if (values.name) throw new UsageError('--name is for --gguf; models of a store are named as they are there');
  const root = values.store ?? (env.OLLAMA_MODELS || join(home, '.ollama', 'models'));
  if (rest.length === 0) throw new UsageError(`which models of ${root}?`);
  return { kind: 'Store', root, references: rest.map(referenceOf) };
}

/** Throws a UsageError. */
function readRequest(args: readonly string[], surroundings: Surroundings): Request {
  const given = readOptions(args, options);
  const { output, tag, format, platform } = given.values;
  if (output === undefined) throw new UsageError('where to? give a file with -o');
  return {
    output,
    from: fromOf(given, surroundings),
    tag: tag === undefined ? undefined : parseImageName(tag),
    format: formatOf(format),
    platform: platformOf(platform),
  };
}

async function gather({ from }: Request, progress: PackProgress, signal: AbortSignal): Promise<Contents> {
  if (from.kind === 'Store') return contentsOfStore(openStore(from.root), from.references);
  progress.begin('Hashing', await sizeOfFiles(from.paths));
  return contentsOfGguf(from.reference, from.paths, { signal, onBytes: progress.add });
}

const bytesOf = (files: readonly PackedFile[]): number => files.reduce((sum, { size }) => sum + size, 0);

async function run(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const request = readRequest(args, surroundings);
  const { stdout, stderr, clock, signal } = surroundings;
  const progress = createPackProgress(stderr, clock);
  try {
    const contents = await gather(request, progress, signal);
    const { models, blobs, manifests } = contents;
    const [first] = models;
    if (!first) throw new PullError('Internal', 'nothing to pack');
    const name = request.tag ?? defaultImageName(first.reference.model, first.reference.tag);
    const labels = { 'localmodels.dev/models': models.map(({ reference }) => shortReference(reference)).join(' ') };
    progress.begin('Packing', bytesOf([...blobs, ...manifests]));
    const image = { name, labels, format: request.format, platform: request.platform };
    const packed = await writeArchive(request.output, layersOf(contents), image, { signal, onBytes: progress.add });
    progress.end();
    stdout.write(reportText({ path: request.output, name, models, packed }));
  } catch (error) {
    progress.end();
    throw error;
  }
}

export const pack: Verb = {
  summary: 'Writes models as a container image in a file, for clusters that reach no registry',
  help,
  run,
};

// Kubernetes manifests that run Ollama or Foundry Local by hand: an apps/v1 Deployment, and what stands beside it in the file.
import { type Draft, type Fields, shown } from './draft.ts';
import { importVariable, runtimeOfVariable } from './environment.ts';
import { importRest } from './rest.ts';
import { setOllamaModel, setPort } from './words.ts';

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const workloads = ['Deployment', 'StatefulSet', 'DaemonSet', 'Pod', 'Job'];

export const isManifest = (content: unknown): content is Fields =>
  isFields(content) && typeof content.apiVersion === 'string' && typeof content.kind === 'string';

interface Container {
  readonly fields: Fields;
  readonly env: readonly { name: string; value: string | undefined }[];
}

const templateOf = (manifest: Fields): Fields =>
  manifest.kind === 'Pod' ? manifest : fieldsOf(fieldsOf(manifest.spec).template);

const podOf = (manifest: Fields): Fields => fieldsOf(templateOf(manifest).spec);

function containersOf(manifest: Fields, list: 'containers' | 'initContainers'): Container[] {
  return listOf(podOf(manifest)[list]).map((fields) => ({
    fields,
    env: listOf(fields.env).map(({ name, value }) => ({ name: String(name), value: textOf(value) })),
  }));
}

function runtimeOf({ fields, env }: Container): 'Ollama' | 'FoundryLocal' | undefined {
  const image = textOf(fields.image) ?? '';
  if (/ollama/i.test(image)) return 'Ollama';
  if (/foundry/i.test(image)) return 'FoundryLocal';
  return env.map(({ name }) => runtimeOfVariable(name)).find((runtime) => runtime !== undefined);
}

/** `ollama run NAME`, `ollama pull NAME`, wherever a shell may say it. */
const COMMAND = /\bollama\s+(?:run|pull)\s+([^\s;&|"']+)/;

function modelOfCommand({ fields }: Container): string | undefined {
  const hook = fieldsOf(fieldsOf(fields.lifecycle).postStart);
  const words = [fields.command, fields.args, fieldsOf(hook.exec).command].flat().filter((word) => word !== undefined);
  return COMMAND.exec(words.join(' '))?.[1];
}

/** The first container that names one; what else is said there goes with it, as does the whole of other containers. */
function importCommands(draft: Draft, main: Container, others: readonly Container[]): void {
  const name = [main, ...others].map(modelOfCommand).find((model) => model !== undefined);
  if (name) setOllamaModel(draft, name, 'command');
  if (modelOfCommand(main)) return;
  for (const field of ['command', 'args', 'lifecycle'])
    if (main.fields[field]) draft.note(field, 'is not carried along: the operator starts and stops the runtime');
}

function importResources(draft: Draft, value: unknown): void {
  const { requests, limits } = fieldsOf(value);
  const kept: Fields = {};
  const devices: string[] = [];
  for (const [kind, quantities] of Object.entries({ requests: fieldsOf(requests), limits: fieldsOf(limits) })) {
    const own = Object.entries(quantities).filter(([name]) => name === 'cpu' || name === 'memory');
    devices.push(...Object.keys(quantities).filter((name) => name.includes('/')));
    if (own.length > 0) kept[kind] = Object.fromEntries(own);
  }
  if (Object.keys(kept).length > 0) draft.set('resources', kept, 'resources');
  const [device] = devices;
  if (device === undefined) return;
  draft.set('hardware.preferred', { class: 'GPU', resourceName: device }, 'resources');
  draft.note(
    'resources',
    `${device} became a rung of the hardware ladder; see that its class is right, and count if it was not 1`,
  );
}

const unlikely = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

function importContainer(draft: Draft, container: Container): void {
  const { fields, env } = container;
  const image = textOf(fields.image);
  if (image)
    draft.note(
      'image',
      `${image} is not carried along: the operator brings the runtime in the version that it was tested with (spec.image sets another)`,
    );
  for (const { name, value } of env) {
    if (value === undefined) draft.note(name, 'is no plain value; give it in spec.pod.env if the runtime needs it');
    else importVariable(draft, name, value, name);
  }
  importResources(draft, fields.resources);
  const [port] = listOf(fields.ports);
  if (port?.containerPort !== undefined) setServedPort(draft, port.containerPort);
  if (unlikely.some((probe) => fields[probe]))
    draft.note('probes', 'are not carried along: those of the gateway ask whether the declared model answers');
  if (fields.volumeMounts) draft.note('volumeMounts', 'are not carried along: the store of the model is spec.storage');
  importRest(draft, fields);
}

/** Where the runtime listened; the gateway takes its place, but not on the runtime's own port inside the pod. */
function setServedPort(draft: Draft, port: unknown): void {
  if (port === 11434 || port === 5273 || port === 9090)
    draft.note('ports', `${port} is taken inside the pod; clients find the gateway on spec.api.port, default 8080`);
  else setPort(draft, port, 'ports');
}

function importWorkload(draft: Draft, manifest: Fields): void {
  const containers = containersOf(manifest, 'containers');
  const initContainers = containersOf(manifest, 'initContainers');
  const main = containers.find((container) => runtimeOf(container) !== undefined);
  if (!main) {
    draft.note(String(manifest.kind), 'runs neither Ollama nor Foundry Local; left out');
    return;
  }
  draft.set('runtime', runtimeOf(main), 'image');
  const { replicas } = fieldsOf(manifest.spec);
  if (typeof replicas === 'number') draft.set('replicas', replicas, 'replicas');
  importContainer(draft, main);
  const others = [...initContainers, ...containers.filter((other) => other !== main)];
  importCommands(draft, main, others);
  importRest(draft, podOf(manifest));
  if (manifest.kind !== 'Pod') importRest(draft, fieldsOf(manifest.spec));
  importRest(draft, { annotations: fieldsOf(templateOf(manifest).metadata).annotations });
  for (const { fields } of others)
    draft.note(
      `container ${shown(fields.name)}`,
      'is not carried along: a model pod has the containers of the operator only',
    );
}

const others: Readonly<Record<string, string>> = {
  Service: 'the operator makes one with the name of the deployment (spec.network.service)',
  PersistentVolumeClaim: 'the operator makes one (spec.storage), or takes one that is there (claimName)',
  ServiceMonitor: 'the operator makes one where the cluster knows the kind; runtimes themselves have no metrics',
  HorizontalPodAutoscaler: 'it can scale the LocalModelDeployment itself: set scaleTargetRef to it',
  Ingress: 'it can lead to the Service that the operator makes',
  NetworkPolicy: 'the operator makes one (spec.network.policy)',
};

/** What `kubectl get` prints of several objects is one. */
export const objectsOf = (content: unknown): unknown[] =>
  isManifest(content) && content.kind === 'List' && Array.isArray(content.items) ? content.items : [content];

/** One document of a file; the name comes from the first workload. */
export function importManifest(draft: Draft, manifest: Fields): void {
  const kind = String(manifest.kind);
  if (workloads.includes(kind)) importWorkload(draft, manifest);
  else draft.note(kind, `is not carried along: ${others[kind] ?? 'it is not part of serving a model'}`);
}

/** metadata.name and namespace of a workload. */
export function identityOf(manifest: Fields): { name?: string; namespace?: string } {
  if (!workloads.includes(String(manifest.kind))) return {};
  const { name, namespace } = fieldsOf(manifest.metadata);
  return { ...(typeof name === 'string' && { name }), ...(typeof namespace === 'string' && { namespace }) };
}

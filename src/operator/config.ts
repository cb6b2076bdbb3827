// How the operator is told what to do: flags, else environment, else defaults; and a file with what the chart decides for all
// deployments.
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { builtInDefaults, type OperatorDefaults } from '../api/defaults.ts';
import type { UpgradePolicy } from './upgrades.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const count = (max: number) => z.coerce.number().int().min(1).max(max);
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const namesOf = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);

/** An empty variable in a script must not come to mean all. */
const list = z
  .string()
  .refine((text) => text === '' || namesOf(text).length > 0, 'must be names, separated by commas')
  .transform(namesOf);

/** None: what only gateways know (Accelerated, status.pull, why a runtime does not serve) is not known. */
const gatewayAccesses = ['Direct', 'ApiServerProxy', 'None'] as const;
export type GatewayAccess = (typeof gatewayAccesses)[number];

interface Option {
  schema: z.ZodType;
  default?: string;
  help: string;
}

/** One table: flags, environment (`LMO_` and the name in capitals) and --help come from it. */
const options = {
  namespaces: { schema: list, default: '', help: 'Namespaces to watch, separated by commas; empty: all of them' },
  config: { schema: z.string(), help: 'YAML file with defaults for all deployments (images, resources, labels)' },
  kubeconfig: {
    schema: z.string(),
    help: 'Path of a kubeconfig; default: the service account, else KUBECONFIG, else ~/.kube/config',
  },
  context: { schema: z.string(), help: 'Context of the kubeconfig; default: its current one' },
  'service-account': {
    schema: z.string(),
    help: 'Folder with token, ca.crt and namespace; default: where Kubernetes mounts the service account',
  },
  workers: { schema: count(256), default: '8', help: 'Deployments that are worked on at the same time' },
  'leader-elect': { schema: flag, default: 'true', help: 'Only one of several operators acts; false for a single one' },
  'lease-name': { schema: z.string().min(1), default: 'local-model-operator', help: 'Name of the Lease' },
  'lease-namespace': { schema: z.string(), help: 'Namespace of the Lease; default: the one that the operator runs in' },
  'admin-host': { schema: z.string(), default: '0.0.0.0', help: 'Address of /healthz, /readyz and /metrics' },
  'admin-port': { schema: port, default: '9090', help: 'Port of /healthz, /readyz and /metrics; 0: any free one' },
  'log-level': {
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    default: 'info',
    help: 'debug, info, warn, error or silent',
  },
  'gateway-access': {
    schema: z.enum(gatewayAccesses),
    help:
      'How to read what gateways report: Direct (by the address of the pod), ApiServerProxy (through the API server) or None; ' +
      'default: Direct in a cluster, else ApiServerProxy',
  },
  http2: {
    schema: flag,
    default: 'true',
    help: 'Read and watch the API server over HTTP/2; false for proxies that get it wrong',
  },
  'model-pods-upgrade': {
    schema: z.enum(['OnNextChange', 'Rolling']),
    default: 'OnNextChange',
    help: 'When pods take over what a new operator version renders: OnNextChange (of their spec) or Rolling (by themselves)',
  },
  'model-pods-upgrade-max': {
    schema: count(1000),
    default: '1',
    help: 'With Rolling: deployments that upgrade at once',
  },
  'grace-seconds': { schema: count(600), default: '25', help: 'How long work under way may take after SIGTERM' },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof options;

export interface OperatorConfig {
  namespaces?: string[];
  kubeconfig?: string;
  context?: string;
  serviceAccount?: string;
  workers: number;
  leaderElect: boolean;
  leaseName: string;
  leaseNamespace?: string;
  adminHost: string;
  adminPort: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  http2: boolean;
  gatewayAccess: GatewayAccess;
  upgrades: UpgradePolicy;
  graceMs: number;
  defaults: OperatorDefaults;
}

/** A mistake in how the operator was started; the message is for the person who did it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const envNameOf = (option: string): string => `LMO_${option.toUpperCase().replaceAll('-', '_')}`;

/** Flags for the reference page: name, environment variable, default, meaning. */
export const flags = Object.entries(options as Record<string, Option>).map(([name, { default: fallback, help }]) => ({
  flag: `--${name}`,
  env: envNameOf(name),
  fallback: fallback ?? '',
  help,
}));

export function helpText(): string {
  const lines = Object.entries(options as Record<string, Option>).map(([name, { default: fallback, help }]) => {
    const left = `  --${name}`.padEnd(28);
    return `${left}${help}${fallback ? ` (default ${fallback})` : ''}\n${' '.repeat(28)}[${envNameOf(name)}]`;
  });
  return `local-model-operator: runs local language models on this cluster, as LocalModelDeployments say.

Usage: operator [flags]

${lines.join('\n')}
  --help                    This text
`;
}

type Raw = Partial<Record<OptionName, string>>;

function readFlags(argv: readonly string[]): Raw & { help?: boolean } {
  const known = Object.fromEntries(Object.keys(options).map((name) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ args: [...argv], options: { ...known, help: { type: 'boolean' } }, strict: true });
    return values as Raw & { help?: boolean };
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}; see --help`);
  }
}

function optionValue<N extends OptionName>(
  name: N,
  raw: Raw,
  env: Readonly<Record<string, string | undefined>>,
): z.output<(typeof options)[N]['schema']> | undefined {
  const option: Option = options[name];
  const text = raw[name] ?? env[envNameOf(name)] ?? option.default;
  if (text === undefined) return undefined;
  const parsed = option.schema.safeParse(text);
  if (parsed.success) return parsed.data as z.output<(typeof options)[N]['schema']>;
  const where = raw[name] === undefined ? envNameOf(name) : `--${name}`;
  throw new ConfigError(`${where}=${text}: ${parsed.error.issues[0]?.message ?? 'not understood'}; ${option.help}`);
}

/** http or https, with nothing in it that may not be read by everybody who may read pods. Patterns, so that the chart's schema has them too. */
const proxyUrl = z
  .url('must be an http or https URL')
  .regex(/^https?:\/\//, 'must be an http or https URL')
  .regex(/^[^@]*$/, 'must hold no user name or password: it stands in every model pod');

const pullProxy = z
  .strictObject({
    httpsProxy: proxyUrl.optional(),
    httpProxy: proxyUrl.optional(),
    noProxy: z.string().optional(),
  })
  .refine(({ httpsProxy, httpProxy }) => httpsProxy ?? httpProxy, 'needs httpsProxy or httpProxy');

const amounts = z.record(z.string(), z.union([z.string(), z.number()]));
const containerResources = z.strictObject({ requests: amounts.optional(), limits: amounts.optional() });
const stringMap = z.record(z.string(), z.string());
export const fileSchema = z.strictObject({
  images: z
    .strictObject({
      operator: z.string(),
      ollama: z.string(),
      ollamaRocm: z.string(),
      foundryLocal: z.string(),
      foundryLocalCuda: z.string(),
    })
    .partial()
    .optional()
    .describe('`operator` (gateway and pull), `ollama`, `ollamaRocm`, `foundryLocal`, `foundryLocalCuda`'),
  imagePullPolicy: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .optional()
    .describe('Of all containers of model pods; default: what Kubernetes makes of the tag'),
  imagePullSecrets: z.array(z.string()).optional().describe('Names of Secrets in the namespaces of the deployments'),
  gatewayResources: containerResources.optional().describe('`requests` and `limits` of the gateway container'),
  pullResources: containerResources.optional().describe('`requests` and `limits` of the pull container'),
  pullProxy: pullProxy
    .optional()
    .describe(
      '`httpsProxy`, `httpProxy`: URLs without password; `noProxy`: hosts, domains and CIDR blocks, separated by commas, that are ' +
        'reached without. Given to pull containers as HTTPS_PROXY, HTTP_PROXY and NO_PROXY; NetworkPolicies let them reach the ports',
    ),
  serviceMonitor: z
    .strictObject({ labels: stringMap })
    .optional()
    .describe('`labels` that Prometheus selects ServiceMonitors by'),
  monitoringNamespaces: z
    .array(z.string())
    .optional()
    .describe('Namespaces whose pods may scrape metrics, beside the deployment’s own'),
  operatorNamespace: z
    .string()
    .optional()
    .describe('Where the operator runs, so that it may read what gateways report'),
  ids: z
    .strictObject({ user: z.int().min(1), group: z.int().min(1), fsGroup: z.int().min(1) })
    .partial()
    .optional()
    .describe('`user`, `group` and `fsGroup` of model pods; default 65532'),
});

/** Members of the defaults file for the reference page. */
export const defaultsMembers = Object.entries(fileSchema.shape).map(([name, { description }]) => ({
  name,
  help: description ?? '',
}));

function yamlIn(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw new ConfigError(`defaults file: ${(error as Error).message}`);
  }
}

/** The defaults file over the built-in defaults. Throws a ConfigError that names the field. */
export function readDefaults(text: string | undefined): OperatorDefaults {
  if (text === undefined) return builtInDefaults;
  const parsed = fileSchema.safeParse(yamlIn(text) ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(`defaults file: ${issue?.path.join('.') || '(root)'}: ${issue?.message}`);
  }
  const { images, ids, ...rest } = parsed.data;
  return {
    ...builtInDefaults,
    ...rest,
    images: { ...builtInDefaults.images, ...images },
    ids: { ...builtInDefaults.ids, ...ids },
  };
}

function textOf(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path);
  } catch (error) {
    throw new ConfigError(`defaults file: ${(error as Error).message}`);
  }
}

/** Pods can be reached from within their cluster alone, and a kubeconfig may lead to another one. */
const usualAccess = (
  kubeconfig: string | undefined,
  { KUBERNETES_SERVICE_HOST: inCluster }: Readonly<Record<string, string | undefined>>,
): GatewayAccess => (inCluster && !kubeconfig ? 'Direct' : 'ApiServerProxy');

/**
 * Reads the configuration; undefined when --help was asked for.
 * @throws ConfigError
 */
export function readConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): OperatorConfig | undefined {
  const { help, ...raw } = readFlags(argv);
  if (help) return undefined;
  const value = <N extends OptionName>(name: N) => optionValue(name, raw, env);
  const required = <N extends OptionName>(name: N) => value(name) as NonNullable<ReturnType<typeof value<N>>>;
  const namespaces = required('namespaces');
  const optional = {
    kubeconfig: value('kubeconfig'),
    context: value('context'),
    serviceAccount: value('service-account'),
    leaseNamespace: value('lease-namespace'),
  };
  const file = value('config');
  return {
    ...(namespaces.length > 0 && { namespaces }),
    ...Object.fromEntries(Object.entries(optional).filter(([, text]) => text)),
    workers: required('workers'),
    leaderElect: required('leader-elect'),
    leaseName: required('lease-name'),
    adminHost: required('admin-host'),
    adminPort: required('admin-port'),
    logLevel: required('log-level'),
    http2: required('http2'),
    gatewayAccess: value('gateway-access') ?? usualAccess(value('kubeconfig') ?? env.KUBECONFIG, env),
    upgrades: { mode: required('model-pods-upgrade'), maxConcurrent: required('model-pods-upgrade-max') },
    graceMs: required('grace-seconds') * 1000,
    defaults: readDefaults(file === undefined ? undefined : textOf(file, readFile)),
  };
}

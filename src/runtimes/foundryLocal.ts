// Foundry Local as the server of one model. Microsoft publishes no image, so this is the contract of our own (src/foundryLocal).
import { FOUNDRY_LOCAL_VERSION } from '../api/defaults.ts';
import { RESERVED_PORTS } from '../api/schema.ts';
import { PULL_CONFIG, writePullConfig } from '../puller/config.ts';
import { envOf, reservedEnvProblems, withoutNvidia } from './env.ts';
import { foundryMemoryRequest } from './foundryMemory.ts';
import { type FoundryVariable, foundryVariables, noTelemetry } from './foundryVariables.ts';
import { variantProblems } from './foundryVariant.ts';
import { pullConfigOf } from './pullInput.ts';
import { modelOf, threadsOf } from './rung.ts';
import { paths, type Runtime, type RuntimeInput } from './runtime.ts';

const reservedEnv: readonly string[] = [
  ...Object.keys(foundryVariables),
  ...Object.keys(noTelemetry),
  'HOME',
  'NVIDIA_VISIBLE_DEVICES',
  PULL_CONFIG,
];

const REPORT_FILE = `${paths.report}/runtime.json`;

const isCuda = ({ choice }: RuntimeInput) => choice.class === 'GPU' && (choice.vendor ?? 'nvidia') === 'nvidia';

function provider(input: RuntimeInput): 'cpu' | 'cuda' | undefined {
  if (input.choice.class === 'CPU') return 'cpu';
  return isCuda(input) ? 'cuda' : undefined;
}

/** What both entry points get: the catalog shows a process only variants for the devices that it sees itself. */
function commonEnv(input: RuntimeInput) {
  const ep = provider(input);
  const values: Partial<Record<FoundryVariable, string | number>> = {
    FL_MODEL_DIR: paths.models,
    ...(ep && { FL_EP: ep }),
  };
  return { HOME: paths.home, ...noTelemetry, ...values, ...(!isCuda(input) && withoutNvidia) };
}

function serveEnv({ settings, rung }: RuntimeInput): Partial<Record<FoundryVariable, string | number>> {
  const { maxContext, loadTimeoutSeconds } = settings.performance;
  const threads = threadsOf(settings, rung);
  return {
    FL_MODEL: modelOf(settings, rung).name,
    FL_PORT: RESERVED_PORTS.foundryLocal,
    FL_MAX_CONTEXT: maxContext,
    ...(threads !== undefined && { FL_THREADS: threads }),
    FL_LOAD_TIMEOUT: loadTimeoutSeconds,
    FL_REPORT_FILE: REPORT_FILE,
    FL_OFFLINE: 1,
  };
}

export const foundryLocal: Runtime = {
  name: 'FoundryLocal',
  title: 'Foundry Local',
  container: 'foundry-local',
  port: RESERVED_PORTS.foundryLocal,
  pullSeesDevices: true,
  reportFile: REPORT_FILE,
  // microsoft/Foundry-Local 1.2.3: on linux-arm64 the package brings a CPU runtime only.
  backends: [{ class: 'CPU' }, { class: 'GPU', vendor: 'nvidia', arch: 'amd64' }],
  lacks: {
    NPU: {
      reason: 'NoLinuxExecutionProvider',
      message: 'Foundry Local on Linux has no NPU execution provider',
    },
  },
  reservedEnv,
  // Fields that only Ollama can honour are refused by the schema.
  check: (settings) => [...variantProblems(settings), ...reservedEnvProblems(settings, reservedEnv)],
  image: (input) => {
    const { settings, rung, defaults } = input;
    const { foundryLocal: cpu, foundryLocalCuda: cuda } = defaults.images;
    return rung.image ?? settings.image ?? (isCuda(input) ? cuda : cpu);
  },
  memoryRequest: foundryMemoryRequest,
  main: (input) => ({
    image: foundryLocal.image(input),
    args: ['serve'],
    env: envOf({ ...commonEnv(input), ...serveEnv(input) }),
  }),
  pull: (input) => ({
    image: foundryLocal.image(input),
    args: ['pull'],
    env: [
      ...envOf(commonEnv(input)),
      { name: PULL_CONFIG, value: writePullConfig(pullConfigOf(input, FOUNDRY_LOCAL_VERSION)) },
    ],
  }),
};

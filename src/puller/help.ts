// What `--help` prints.
import { PULL_CONFIG } from './config.ts';
import { outcomes } from './outcome.ts';

const exitCodes = (): string =>
  Object.entries(outcomes)
    .map(
      ([reason, { exitCode, retry, meaning }]) =>
        `  ${String(exitCode).padStart(3)}  ${reason}: ${meaning}${retry === 'done' ? '' : ` (${retry})`}`,
    )
    .join('\n');

export const helpText = (): string => `Fetches a model into an Ollama store, or verifies the one that is there.

  ${PULL_CONFIG}='{…}' node src/puller/main.ts

${PULL_CONFIG} is one JSON document; its members are described in src/puller/config.ts. By hand, for example:

  {"runtime": "Ollama", "runtimeVersion": "0.32.15", "revision": "by-hand", "reference": "qwen2.5:0.5b",
   "verify": "OnPull", "source": {"kind": "Registry", "mirrors": [], "plainHttp": false},
   "store": "/tmp/models", "lockFile": "/tmp/models-lock/by-hand.json",
   "progressFile": "/tmp/pull/progress.json", "terminationMessagePath": "/tmp/pull/outcome.json"}

HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured; LOG_LEVEL is debug, info, warn, error or silent.
On a terminal a bar is drawn on stderr; logs are JSON lines on stdout.

Exit codes:
${exitCodes()}
`;

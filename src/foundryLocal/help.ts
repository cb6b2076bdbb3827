// What `--help` prints.
import { PULL_CONFIG } from '../puller/config.ts';
import { outcomes } from '../puller/outcome.ts';
import { foundryVariables } from '../runtimes/foundryVariables.ts';
import { exits } from './exits.ts';

const codes = (table: Readonly<Record<string, { exitCode: number; meaning: string }>>): string =>
  Object.entries(table)
    .map(([reason, { exitCode, meaning }]) => `  ${String(exitCode).padStart(3)}  ${reason}: ${meaning}`)
    .join('\n');

const variables = Object.entries(foundryVariables)
  .map(([name, meaning]) => `  ${name.padEnd(16)}${meaning}`)
  .join('\n');

export const helpText = (): string => `Foundry Local in a container: fetches a model, or serves it on 127.0.0.1.

  node src/foundryLocal/main.ts pull
  node src/foundryLocal/main.ts serve

Environment of both; what one does not need it does not read:
${variables}
  HOME            writable; what the pull has settled on, the core's state and its logs

pull also reads ${PULL_CONFIG}, one JSON document (src/puller/config.ts). By hand, for example:

  {"runtime": "FoundryLocal", "runtimeVersion": "1.2.3", "revision": "by-hand", "reference": "phi-4-mini",
   "verify": "OnPull", "source": {"kind": "Registry", "mirrors": [], "plainHttp": false},
   "store": "/tmp/models", "lockFile": "/tmp/lock/by-hand.json",
   "progressFile": "/tmp/pull/progress.json", "terminationMessagePath": "/tmp/pull/outcome.json"}

HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are honoured by the core; LOG_LEVEL is debug, info, warn, error or silent.

Exit codes of pull:
${codes(outcomes)}

Exit codes of serve:
${codes(exits)}
`;

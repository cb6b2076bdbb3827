// What `--help` prints.
import { GATEWAY_CONFIG } from './config.ts';

export const helpText =
  (): string => `The door of a model pod: takes requests for the runtime on 127.0.0.1, and tells how the model is.

  ${GATEWAY_CONFIG}='{…}' node src/gateway/main.ts [serve]   serves until SIGTERM, then until the last answer is out
  ${GATEWAY_CONFIG}='{…}' node src/gateway/main.ts drain     tells the one that serves to take nobody in any more

${GATEWAY_CONFIG} is one JSON document; its members are described in src/gateway/config.ts.

  GATEWAY_HOST  address to listen on; default: every one of IPv4
  LOG_LEVEL     debug, info, warn, error or silent; default: info

Logs are JSON lines on stderr, audit lines on stdout. Exit codes: 0 done, 1 failed, 2 the configuration cannot be used.
`;

// Downloads one blob as a process of its own, which the test may kill. Argument: JSON of what to fetch and where to.
import { hostname } from 'node:os';
import { downloadBlob } from '../../src/models/download.ts';
import { createEndpoints } from '../../src/models/endpoints.ts';
import { parseReference } from '../../src/models/reference.ts';
import { createRegistry } from '../../src/models/registry.ts';
import { openStore } from '../../src/models/store.ts';
import { systemClock } from '../../src/process/clock.ts';
import { silentLogger } from '../../src/process/logger.ts';

const { reference, layer, root, chunkBytes } = JSON.parse(process.argv[2] ?? '');
const registry = createRegistry({
  endpoints: createEndpoints({ mirrors: [], plainHttp: true }),
  clock: systemClock,
  random: Math.random,
  log: silentLogger,
  userAgent: 'ollama/0.32.15 (amd64 linux) Go/go1.26.0',
});
const { fetchedBytes } = await downloadBlob({
  registry,
  reference: parseReference(reference),
  layer,
  store: openStore(root),
  owner: { host: hostname(), pid: process.pid },
  connections: 3,
  chunkBytes,
  signal: new AbortController().signal,
  clock: systemClock,
  random: Math.random,
  log: silentLogger,
});
await registry.close();
process.stdout.write(String(fetchedBytes));

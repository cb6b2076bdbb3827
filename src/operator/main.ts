// The operator process: configuration in, signals in, exit code out. The only file of the operator that touches `process`.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { OperatorDefaults } from '../api/defaults.ts';
import { type Auth, loadAuth } from '../kube/auth.ts';
import { type Client, createClient } from '../kube/client.ts';
import { createTransport } from '../kube/transport.ts';
import { startAdminServer } from '../process/adminServer.ts';
import { systemClock } from '../process/clock.ts';
import { answerChecks } from '../process/health.ts';
import { createLogger } from '../process/logger.ts';
import { createRegistry } from '../process/metrics.ts';
import { release } from '../process/release.ts';
import { listenForShutdown } from '../process/shutdown.ts';
import { ConfigError, type GatewayAccess, helpText, type OperatorConfig, readConfig } from './config.ts';
import { gatewayAddress } from './gatewayAddress.ts';
import { createDirectReader } from './gatewayDirect.ts';
import type { GatewayReader } from './gatewayReader.ts';
import { createApiProxyReader } from './gatewayThroughApi.ts';
import { createOperator } from './operator.ts';
import { createRequestMetrics } from './requestMetrics.ts';

/** Model pods let the operator's namespace read their admin port, so they must know it. */
const withOwnNamespace = (defaults: OperatorDefaults, namespace: string | undefined): OperatorDefaults => ({
  ...(process.env.KUBERNETES_SERVICE_HOST && namespace && { operatorNamespace: namespace }),
  ...defaults,
});

const readers: Record<GatewayAccess, (client: Client) => GatewayReader | undefined> = {
  Direct: () => createDirectReader({ clock: systemClock, addressOf: gatewayAddress }),
  ApiServerProxy: (client) => createApiProxyReader({ client, clock: systemClock }),
  None: () => undefined,
};

/** Whoever starts it without one has a path to correct, not a stack to read. */
async function authFor({ kubeconfig, context, serviceAccount }: OperatorConfig): Promise<Auth> {
  try {
    return await loadAuth({
      env: process.env,
      clock: systemClock,
      ...(kubeconfig && { kubeconfig }),
      ...(context && { context }),
      ...(serviceAccount && { serviceAccount }),
    });
  } catch (error) {
    // One line: a parser quotes the lines around a mistake, and in a kubeconfig these may be keys.
    const [why] = String(error instanceof Error ? error.message : error).split('\n');
    throw new ConfigError(`no API server to talk to: ${why}; see --kubeconfig`);
  }
}

async function main(config: OperatorConfig): Promise<void> {
  const log = createLogger({ level: config.logLevel, component: 'operator' });
  const { signal, dispose } = listenForShutdown({ process, log, clock: systemClock, graceMs: config.graceMs });
  const registry = createRegistry({ node: true });
  const auth = await authFor(config);
  const transport = createTransport({
    auth,
    clock: systemClock,
    random: Math.random,
    userAgent: `${release.name}/${release.version} (node ${process.versions.node})`,
    http2: config.http2,
    onRequest: createRequestMetrics(registry),
  });
  const client = createClient(transport);
  const gatewayReader = readers[config.gatewayAccess](client);
  const operator = createOperator({
    client,
    config: { ...config, defaults: withOwnNamespace(config.defaults, auth.namespace) },
    leaseNamespace: config.leaseNamespace ?? auth.namespace ?? 'default',
    identity: `${hostname()}_${randomUUID()}`,
    clock: systemClock,
    random: Math.random,
    log,
    registry,
    ...(gatewayReader && { gatewayReader }),
  });
  const admin = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    log,
    registry,
    routes: {
      '/healthz': () => answerChecks('healthz', { alive: () => true }),
      '/readyz': () => answerChecks('readyz', operator.checks),
    },
  });
  log.info(
    { server: transport.server, adminPort: admin.port, namespaces: config.namespaces ?? 'all' },
    'operator started',
  );
  try {
    await operator.run(signal);
  } finally {
    await admin.close();
    await gatewayReader?.close();
    await transport.close();
    dispose();
    log.info({}, 'operator stopped');
  }
}

try {
  const config = readConfig(process.argv.slice(2), process.env, (path) => readFileSync(path, 'utf8'));
  if (config) await main(config);
  else process.stdout.write(helpText());
} catch (error) {
  const known = error instanceof ConfigError;
  process.stderr.write(known ? `${error.message}\n` : `${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = known ? 2 : 1;
}

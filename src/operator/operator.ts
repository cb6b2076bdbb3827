// The operator as one thing that can be started and stopped: caches that are always warm, and, while it leads, the controller.
import type { Registry } from 'prom-client';
import { parseStatus } from '../api/validate.ts';
import type { Client } from '../kube/client.ts';
import type { Reconcile } from '../kube/controller.ts';
import { createElector, type Elector } from '../kube/lease.ts';
import { registerLeaderMetric } from '../kube/metrics.ts';
import { createRecorder, type EventRecorder } from '../kube/recorder.ts';
import { type Key, keyOf } from '../kube/types.ts';
import type { Clock, Random } from '../process/clock.ts';
import type { Check } from '../process/health.ts';
import type { Logger } from '../process/logger.ts';
import { createApplier } from './apply.ts';
import { type CachedKind, type Caches, createCaches, deploymentKeyOf } from './caches.ts';
import type { OperatorConfig } from './config.ts';
import { createGatewayPolls, type Gateways, noGateways } from './gatewayPolls.ts';
import type { GatewayReader } from './gatewayReader.ts';
import { createDeploymentMetrics, createGatewayMetrics } from './metrics.ts';
import { createObserve } from './observe.ts';
import { createOptionalApis, type OptionalApis } from './optionalApis.ts';
import { createPodWarnings } from './podWarnings.ts';
import { createReconcile } from './reconcile.ts';
import { createReporter } from './reporter.ts';
import { isUpgrading } from './status.ts';
import { createTerms, type Terms } from './term.ts';
import { createTriggers } from './triggers.ts';
import { createUpgrades, type Upgrades } from './upgrades.ts';
import { createWorldReader } from './worldReader.ts';

export interface OperatorOptions {
  client: Client;
  config: Pick<OperatorConfig, 'namespaces' | 'workers' | 'leaderElect' | 'leaseName' | 'upgrades' | 'defaults'>;
  /** Where the Lease lives. */
  leaseNamespace: string;
  /** Absent: no gateway is asked, and what only gateways know stays Unknown. */
  gatewayReader?: GatewayReader;
  /** Of this process and of no other. */
  identity: string;
  clock: Clock;
  random: Random;
  log: Logger;
  registry: Registry;
}

export interface Operator {
  /** Runs until the signal aborts; then work under way is finished, and the Lease given back. */
  run(signal: AbortSignal): Promise<void>;
  /** For /readyz. */
  readonly checks: Readonly<Record<string, Check>>;
  readonly isLeader: boolean;
}

interface Parts {
  caches: Caches;
  optional: OptionalApis;
  gateways: Gateways;
  recorder: EventRecorder;
  upgrades: Upgrades;
}

/** The spine with its effects plugged in. */
function assemble(options: OperatorOptions, { caches, optional, gateways, recorder, upgrades }: Parts): Reconcile {
  const { client, clock, log, config } = options;
  const { noteWrite } = caches;
  const warnings = createPodWarnings({ client, clock, log });
  return createReconcile({
    observe: createObserve({ caches, warnings, gateways, upgrades, serviceMonitors: optional.serviceMonitors }),
    world: createWorldReader({ client, clock }),
    applier: createApplier({ client, clock, log, noteWrite }),
    reporter: createReporter({ client, clock, noteWrite }),
    recorder,
    upgrades,
    config: { defaults: config.defaults },
    clock,
    log,
  });
}

function gatewaysFor(
  { gatewayReader, ...common }: OperatorOptions,
  caches: Caches,
  onChange: (key: Key) => void,
): Gateways {
  if (!gatewayReader) return noGateways;
  const { clock, random, log } = common;
  return createGatewayPolls({
    reader: gatewayReader,
    pods: () => caches.pods.values(),
    deploymentOf: deploymentKeyOf,
    isKnown: (key) => caches.deployments.get(key) !== undefined,
    onChange,
    clock,
    random,
    log,
  });
}

/** Who was under way when the leader before us stopped goes on, before anybody else can begin. */
function takePlaces(upgrades: Upgrades, { deployments }: Caches): void {
  for (const { metadata, status } of deployments.values())
    if (isUpgrading(parseStatus(status))) upgrades.note(keyOf(metadata), true);
}

function electorFor({ client, clock, random, log, identity, config, leaseNamespace }: OperatorOptions): Elector {
  return createElector({ client, clock, random, log, identity, name: config.leaseName, namespace: leaseNamespace });
}

const indispensable = { LocalModelDeployment: 'localmodeldeployments.localmodels.dev', Pod: 'pods' } as const;

/** Why the operator cannot act, in words for who looks at /readyz. */
function syncCheck(caches: Caches): Check {
  return () => {
    if (caches.synced) return true;
    if (caches.stateOf('LocalModelDeployment') === 'missing')
      return 'the CustomResourceDefinition localmodeldeployments.localmodels.dev is not installed';
    for (const [kind, plural] of Object.entries(indispensable) as [CachedKind, string][])
      if (caches.stateOf(kind) === 'forbidden')
        return `the operator may not list and watch ${[plural, ...caches.forbiddenIn(kind)].join(' in namespace ')}`;
    return 'the first lists are not complete';
  };
}

async function leadForever(terms: Terms, elector: Elector, log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let term: Promise<void> = Promise.resolve();
    const ended = await elector.run(signal, (lost) => {
      term = terms.serve(signal, lost);
      return term;
    });
    if (ended !== 'lost') continue;
    log.warn({}, 'leadership lost, waiting to lead again');
    // A pass that is still running must not meet one of the next term on the same key.
    await term;
  }
}

/** Puts the operator together. Nothing is asked of the API server before `run`. */
export function createOperator(options: OperatorOptions): Operator {
  const { client, config, clock, random, log, registry, identity } = options;
  const triggers = createTriggers(
    () => terms.queue,
    () => terms.settled,
  );
  const caches = createCaches({ client, clock, random, log, ...scopeOf(config), listeners: triggers });
  const lookAtAll = (): void => terms.lookAtAll();
  const gateways = gatewaysFor(options, caches, (key) => terms.queue?.add(key));
  const optional = createOptionalApis({ client, clock, random, log, caches, onChange: lookAtAll });
  const reporting = { reportingController: 'localmodels.dev/operator', reportingInstance: identity };
  const recorder = createRecorder({ client, clock, random, log, ...reporting });
  const upgrades = createUpgrades(config.upgrades, lookAtAll);
  const terms: Terms = createTerms({
    reconcile: assemble(options, { caches, optional, gateways, recorder, upgrades }),
    workers: config.workers,
    keys: () => caches.deployments.keys(),
    async whenReady(signal) {
      await caches.whenSynced(signal);
      await optional.whenKnown(signal);
      takePlaces(upgrades, caches);
    },
    meanwhile: gateways.run,
    clock,
    random,
    log,
    registry,
  });
  const elector = electorFor(options);
  const leadership = {
    get isLeader() {
      return !config.leaderElect || elector.isLeader;
    },
  };
  registerLeaderMetric(registry, config.leaseName, leadership);
  createDeploymentMetrics(registry, caches.deployments);
  createGatewayMetrics(registry, gateways);
  const never = new AbortController().signal;

  return {
    async run(signal) {
      const watching = new AbortController();
      const background = Promise.all([caches.start(watching.signal), optional.start(watching.signal)]);
      try {
        await (config.leaderElect ? leadForever(terms, elector, log, signal) : terms.serve(signal, never));
        await recorder.flush();
      } finally {
        watching.abort();
        await background;
      }
    },
    checks: { synced: syncCheck(caches) },
    get isLeader() {
      return leadership.isLeader;
    },
  };
}

const scopeOf = ({ namespaces }: OperatorOptions['config']) => (namespaces ? { namespaces } : {});

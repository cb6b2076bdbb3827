// What holds for the children of any deployment that the schema takes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RESERVED_PORTS } from '../../src/api/schema.ts';
import { claim } from '../../src/children/claim.ts';
import { clientService } from '../../src/children/clientService.ts';
import { deployment } from '../../src/children/deployment.ts';
import { disruptionBudget } from '../../src/children/disruptionBudget.ts';
import type { PodInput } from '../../src/children/input.ts';
import { lockConfigMap } from '../../src/children/lockConfigMap.ts';
import { childNames } from '../../src/children/metadata.ts';
import { metricsService } from '../../src/children/metricsService.ts';
import { modelPod } from '../../src/children/modelPod.ts';
import { networkPolicy } from '../../src/children/networkPolicy.ts';
import type { Child, Container, PodTemplate } from '../../src/children/pod.ts';
import { serviceMonitor } from '../../src/children/serviceMonitor.ts';
import { gatewayConfig } from '../../src/gateway/config.ts';
import { arbitraryPodInput } from './arbitraryPod.ts';
import { restrictedViolations } from './restricted.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

function childrenOf(input: PodInput): Child[] {
  const children = [
    deployment(input, { choice: input.choice, template: modelPod(input), annotations: {} }),
    clientService(input),
    metricsService(input),
    networkPolicy(input),
    serviceMonitor(input),
    lockConfigMap(input, [{ revision: input.revision, reference: 'model', digest: DIGEST }]),
    claim(input),
    disruptionBudget(input),
  ];
  return children.filter((child) => child !== undefined);
}

const containersOf = ({ spec }: PodTemplate): Container[] => [...spec.initContainers, ...spec.containers];

function check(holds: (input: PodInput) => void) {
  fc.assert(fc.property(arbitraryPodInput, holds), { numRuns: 120 });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

/** Plain JSON, as an object is that goes over the wire; functions of the runtime stay as they are. */
const again = (input: PodInput): PodInput => ({ ...input, settings: structuredClone(input.settings) });

test('the same input renders the same children, and is left as it was', () => {
  check((input) => {
    deepFreeze(input.settings);
    const children = childrenOf(input);
    expect(childrenOf(again(input))).toEqual(children);
    expect(JSON.parse(JSON.stringify(children))).toEqual(children);
  });
});

test('scaling never changes the pod template', () => {
  check((input) => {
    const scaled = (replicas: number) => modelPod({ ...input, settings: { ...input.settings, replicas } });
    expect(scaled(0)).toEqual(scaled(1));
    expect(scaled(7)).toEqual(scaled(1));
  });
});

test('no pod violates restricted Pod Security, unless its SELinux options ask for it', () => {
  check((input) => {
    const { seLinuxOptions, ...securityContext } = input.settings.pod.securityContext ?? {};
    const settings = { ...input.settings, pod: { ...input.settings.pod, securityContext } };
    expect(restrictedViolations(modelPod({ ...input, settings }))).toEqual([]);
    const asked = restrictedViolations(modelPod(input));
    expect(asked.every((violation) => seLinuxOptions && violation.startsWith('seLinuxOptions'))).toBe(true);
  });
});

test('every container has a read-only root and sees no service account token', () => {
  check((input) => {
    const template = modelPod(input);
    expect(template.spec.automountServiceAccountToken).toBe(false);
    for (const { securityContext } of containersOf(template))
      expect(securityContext?.readOnlyRootFilesystem).toBe(true);
  });
});

test('every mount has its volume, every volume its mount, and no path is taken twice', () => {
  check((input) => {
    const template = modelPod(input);
    const volumes = template.spec.volumes.map(({ name }) => name);
    const mounts = containersOf(template).map(({ volumeMounts = [] }) => volumeMounts);
    expect(new Set(volumes).size).toBe(volumes.length);
    expect([...new Set(mounts.flat().map(({ name }) => name))].sort()).toEqual([...volumes].sort());
    for (const own of mounts) expect(new Set(own.map(({ mountPath }) => mountPath)).size).toBe(own.length);
  });
});

test('Secrets are optional and never mounted by subPath, so that a missing one cannot hang a pod', () => {
  check((input) => {
    const template = modelPod(input);
    const optional = (source: unknown) => source === undefined || (source as { optional?: boolean }).optional === true;
    for (const volume of template.spec.volumes) {
      expect(optional(volume.secret)).toBe(true);
      expect(optional(volume.configMap)).toBe(true);
    }
    const mounts = containersOf(template).flatMap(({ volumeMounts = [] }) => volumeMounts);
    expect(mounts.filter(({ subPath }) => subPath !== undefined)).toEqual([]);
  });
});

/** Linux takes no longer single variable (MAX_ARG_STRLEN, 128 KiB); ours stay far below it, so that a pod also fits etcd. */
const MAX_ENV_BYTES = 32 * 1024;

test('no variable stands twice in a container, and none is too long', () => {
  check((input) => {
    for (const { env = [] } of containersOf(modelPod(input))) {
      expect(new Set(env.map(({ name }) => name)).size).toBe(env.length);
      for (const { name, value = '' } of env) {
        expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
        expect(Buffer.byteLength(value)).toBeLessThanOrEqual(MAX_ENV_BYTES);
      }
    }
  });
});

test('no port is taken twice in a pod', () => {
  check((input) => {
    const declared = containersOf(modelPod(input)).flatMap(({ ports = [] }) => ports);
    const numbers = [...declared.map(({ containerPort }) => containerPort), input.runtime.port];
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(declared.map(({ name }) => name).sort()).toEqual(['admin', 'http']);
  });
});

test('probes and hooks ask a port that the gateway opens', () => {
  check((input) => {
    const asked = containersOf(modelPod(input)).flatMap(({ startupProbe, readinessProbe, livenessProbe, lifecycle }) =>
      [startupProbe, readinessProbe, livenessProbe, lifecycle?.preStop].flatMap((handler) => handler?.httpGet ?? []),
    );
    expect(asked).toHaveLength(7);
    expect(new Set(asked.map(({ port }) => port))).toEqual(new Set([RESERVED_PORTS.admin]));
  });
});

/** What the kubelet makes of a value: $$ is a dollar, $(NAME) the variable if there is one before, else itself. */
const expanded = (value: string) =>
  value.replace(/\$\$|\$\(([^)]*)\)/g, (found, name?: string) => (name === undefined ? '$' : `<${name}>${found}`));

test('the gateway reads its configuration as it was meant, whatever the kubelet expands', () => {
  check((input) => {
    const [gateway] = modelPod(input).spec.initContainers;
    const text = gateway?.env?.find(({ name }) => name === 'GATEWAY_CONFIG')?.value ?? '';
    const config = gatewayConfig.parse(JSON.parse(expanded(text)));
    expect(config.model.servedNames).toEqual(input.settings.model.servedNames);
    expect(config.canary?.prompt).toBe(input.settings.canary.enabled ? input.settings.canary.prompt : undefined);
    expect(config.port).toBe(input.settings.api.port);
  });
});

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SERVICE_NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PORT_NAME = /^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const ENTRY_KEY = /^[-._A-Za-z0-9]{1,253}$/;

function expectLabels(labels: Record<string, string> = {}) {
  for (const [key, value] of Object.entries(labels)) {
    expect(key).toMatch(LABEL_KEY);
    expect(value).toMatch(LABEL_VALUE);
  }
}

test('names and labels are what Kubernetes takes', () => {
  check((input) => {
    for (const { kind, metadata, data } of childrenOf(input)) {
      expect(metadata.name).toMatch(kind === 'Service' ? SERVICE_NAME : DNS_LABEL);
      expectLabels(metadata.labels);
      expectLabels(
        metadata.annotations && Object.fromEntries(Object.keys(metadata.annotations).map((key) => [key, ''])),
      );
      for (const key of Object.keys(data ?? {})) expect(key).toMatch(ENTRY_KEY);
    }
    const template = modelPod(input);
    expectLabels(template.metadata.labels);
    expectLabels(template.spec.nodeSelector as Record<string, string>);
    for (const { name } of template.spec.volumes) expect(name).toMatch(DNS_LABEL);
    for (const { name, ports = [] } of containersOf(template)) {
      expect(name).toMatch(DNS_LABEL);
      for (const port of ports) expect(port.name).toMatch(PORT_NAME);
    }
  });
});

test('every child is owned by the deployment, but a claim that is to stay', () => {
  check((input) => {
    const { storage } = input.settings;
    const stays = storage.kind === 'Claim' && storage.own && storage.whenDeleted === 'Retain';
    for (const { kind, metadata } of childrenOf(input)) {
      const owned = !(kind === 'PersistentVolumeClaim' && stays);
      expect(metadata.ownerReferences?.map(({ uid, controller }) => ({ uid, controller })) ?? []).toEqual(
        owned ? [{ uid: input.uid, controller: true }] : [],
      );
    }
  });
});

test('children of one deployment are never in the way of one another', () => {
  check((input) => {
    const places = childrenOf(input).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(places).size).toBe(places.length);
    expect(Object.values(childNames(input.name)).every((name) => name.length <= 63)).toBe(true);
  });
});

test('a pod that surges waits for no device and for no claim of one node', () => {
  check((input) => {
    const { settings, choice } = input;
    const { strategy } = deployment(input, { choice, template: modelPod(input), annotations: {} }).spec as {
      strategy: { type: string; rollingUpdate?: { maxSurge: number; maxUnavailable: number } };
    };
    const { maxSurge = 0, maxUnavailable = 1 } = strategy.rollingUpdate ?? {};
    expect(maxSurge + maxUnavailable).toBeGreaterThan(0);
    if (maxSurge === 0) return;
    expect(choice.class).toBe('CPU');
    expect(settings.model.source.kind).not.toBe('Volume');
    if (settings.storage.kind === 'Claim') {
      expect(settings.storage.own && settings.storage.accessModes).toContain('ReadWriteMany');
    }
  });
});

test('the runtime is never reachable but through the gateway', () => {
  check((input) => {
    const [main] = modelPod(input).spec.containers;
    expect(main?.ports).toBeUndefined();
    const ports = JSON.stringify([clientService(input), metricsService(input), networkPolicy(input)?.spec?.ingress]);
    expect(ports).not.toContain(`:${input.runtime.port},`);
  });
});

// The shapes of apps/v1 and core/v1 that our builders write: narrow, plain JSON.
import type { KubeObject } from '../kube/types.ts';

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: { name: string; key: string; optional?: boolean };
    configMapKeyRef?: { name: string; key: string; optional?: boolean };
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { resource: string; containerName?: string; divisor?: string };
  };
}

export interface HttpProbe {
  httpGet: { path: string; port: string | number };
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
  successThreshold?: number;
}

export interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: { name: string; containerPort: number; protocol?: string }[];
  resources?: {
    requests?: Record<string, string | number>;
    limits?: Record<string, string | number>;
    claims?: { name: string; request?: string }[];
  };
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean; subPath?: string }[];
  restartPolicy?: 'Always';
  startupProbe?: HttpProbe;
  readinessProbe?: HttpProbe;
  livenessProbe?: HttpProbe;
  lifecycle?: { preStop?: { httpGet?: { path: string; port: string | number }; exec?: { command: string[] } } };
  securityContext?: Record<string, unknown>;
  terminationMessagePath?: string;
  terminationMessagePolicy?: 'File' | 'FallbackToLogsOnError';
}

export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    initContainers: Container[];
    containers: Container[];
    volumes: Record<string, unknown>[];
    [field: string]: unknown;
  };
}

/** An object that the operator wants to exist, as it applies it. */
export interface Child extends KubeObject {
  metadata: KubeObject['metadata'] & { namespace: string };
  spec?: Record<string, unknown>;
  data?: Record<string, string>;
}

// What prometheus-operator makes of a ServiceMonitor, so that the labels that ours adds are those of its object and are written
// nowhere twice: https://prometheus-operator.dev/docs/developer/getting-started/.
// Discovery is played by a list of what it would find, since the pods that are scraped here are processes of this machine.

interface Relabeling {
  sourceLabels?: string[];
  targetLabel?: string;
  [setting: string]: unknown;
}

/** As much of it as ours have. */
export interface ServiceMonitor {
  metadata: { name: string; namespace: string };
  spec: {
    selector: { matchLabels: Record<string, string> };
    endpoints: { port: string; path: string; scheme: string; relabelings?: Relabeling[] }[];
  };
}

export interface ServiceFound {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: { ports: { name: string }[] };
}

/** As in Prometheus' configuration. */
export type ScrapeConfig = Record<string, unknown>;

/** As file_sd has it. */
export interface TargetGroup {
  targets: string[];
  labels: Record<string, string>;
}

export interface Found {
  service: ServiceFound;
  pod: string;
  container: string;
  /** host:port of the process that plays the pod. */
  address: string;
}

const META = '__meta_kubernetes_';
const written = (label: string) => label.replaceAll(/[^A-Za-z0-9]/g, '_');

/** A pod behind a Service, with the labels that discovery by EndpointSlices gives it. */
export function discovered({ service, pod, container, address }: Found): TargetGroup {
  const { name, namespace, labels } = service.metadata;
  const meta: Record<string, string> = {
    namespace,
    service_name: name,
    endpointslice_port_name: service.spec.ports[0]?.name ?? '',
    pod_name: pod,
    pod_container_name: container,
  };
  for (const [label, value] of Object.entries(labels)) {
    meta[`service_label_${written(label)}`] = value;
    meta[`service_labelpresent_${written(label)}`] = 'true';
  }
  return {
    targets: [address],
    labels: Object.fromEntries(Object.entries(meta).map(([label, value]) => [`${META}${label}`, value])),
  };
}

const keep = (labels: readonly string[], regex: string) => ({
  action: 'keep',
  source_labels: labels.map((label) => META + label),
  regex,
});
const copy = (label: string, target_label: string) => ({ source_labels: [META + label], target_label });
const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

const inOurWords = ({ sourceLabels, targetLabel, ...rest }: Relabeling) => ({
  ...rest,
  ...(sourceLabels && { source_labels: sourceLabels }),
  ...(targetLabel && { target_label: targetLabel }),
});

/** The jobs of a ServiceMonitor, which choose among all that is in `file`. Interval: that of the server. */
export const scrapeConfigs = ({ metadata, spec }: ServiceMonitor, file: string): ScrapeConfig[] =>
  spec.endpoints.map(({ port, path, scheme, relabelings = [] }, index) => ({
    job_name: `serviceMonitor/${metadata.namespace}/${metadata.name}/${index}`,
    file_sd_configs: [{ files: [file], refresh_interval: '1s' }],
    metrics_path: path,
    scheme,
    relabel_configs: [
      keep(['namespace'], literal(metadata.namespace)),
      ...Object.entries(spec.selector.matchLabels).map(([label, value]) =>
        keep([`service_label_${written(label)}`, `service_labelpresent_${written(label)}`], `(${literal(value)});true`),
      ),
      keep(['endpointslice_port_name'], literal(port)),
      copy('namespace', 'namespace'),
      copy('service_name', 'service'),
      copy('pod_name', 'pod'),
      copy('pod_container_name', 'container'),
      copy('service_name', 'job'),
      { target_label: 'endpoint', replacement: port },
      ...relabelings.map(inOurWords),
    ],
  }));

// The operator as people install it: the chart, by Helm, with the images that were built here.
import type { Access } from '../../controlplane/access.ts';
import { chart, NAMESPACE, openHelm, RELEASE } from '../../integration/helm.ts';
import { images } from '../images/images.ts';

/** A namespace that the operator is told of, as that of Prometheus. */
export const MONITORING = 'monitoring';

/** The command as a person types it who wants the strictest of networks, but for the images; their tag is the version of the chart. */
export const installArguments: readonly string[] = [
  RELEASE,
  chart,
  '--namespace',
  NAMESPACE,
  '--create-namespace',
  '--set',
  [
    `image.repository=${images.operator.split(':')[0]}`,
    `defaults.images.ollama=${images.ollama}`,
    `defaults.images.foundryLocal=${images.foundryLocal}`,
    `defaults.monitoringNamespaces={${MONITORING}}`,
    'networkPolicy.restrictEgress=true',
  ].join(','),
];

/** Installs or upgrades; resolves when all replicas are ready. Rejects with Helm's words. */
export async function installOperator(access: Access, program: string, more: readonly string[] = []): Promise<void> {
  using helm = openHelm(program);
  const argv = ['upgrade', '--install', ...installArguments, ...more, '--wait', '--timeout=180s'];
  const { code, stdout, stderr } = await helm.run(argv, { kubeconfig: access.kubeconfig });
  if (code === 0) return;
  const pods = await access.runKubectl(['-n', NAMESPACE, 'describe', 'pods']);
  throw new Error(`helm ${argv.join(' ')} failed:\n${stdout}${stderr}${pods.stdout.slice(-4_000)}`);
}

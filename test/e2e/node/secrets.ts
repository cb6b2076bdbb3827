// The keys, certificates and kubeconfigs of a real node and its control plane.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { authorityName } from '../../controlplane/access.ts';
import { createAuthority, issueCertificate, serviceAccountKeys } from '../../controlplane/certificates.ts';
import { auditPolicy, files, schedulerConfig } from '../../controlplane/components.ts';
import { kubeconfig } from '../../controlplane/kubeconfig.ts';
import { type Layout, network, nodeName, ports } from './layout.ts';
import { pki } from './units.ts';

const administrator = 'admin';

/** Contents by path. `port` is the one by which the host reaches the API server. */
export function secrets({ folder, kubeconfig: inside }: Layout, port: number) {
  const now = Date.now();
  const authority = createAuthority(authorityName, now);
  const issue = (commonName: string, organizations: string[] = [], names = {}) =>
    issueCertificate(authority, { commonName, organizations, ...names }, now);
  const serving = issue('kube-apiserver', [], {
    dnsNames: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
    ipAddresses: ['127.0.0.1', network.apiService, network.node],
  });
  const kubelet = issue(`system:node:${nodeName}`, ['system:nodes'], {
    dnsNames: [nodeName],
    ipAddresses: [network.node],
  });
  const kubeletClient = issue('kube-apiserver-kubelet-client', ['system:masters']);
  const accounts = serviceAccountKeys();
  const token = randomBytes(24).toString('hex');
  const here = `https://127.0.0.1:${ports.apiServer}`;
  const contents: Record<string, string> = {
    [files.ca]: authority.cert,
    [files.caKey]: authority.key,
    [files.serving]: serving.cert,
    [files.servingKey]: serving.key,
    [files.serviceAccount]: accounts.publicKey,
    [files.serviceAccountKey]: accounts.privateKey,
    [files.tokens]: `${token},${administrator},${administrator},"system:masters"\n`,
    [files.auditPolicy]: auditPolicy,
    [files.scheduler]: schedulerConfig(inside),
    [pki.kubelet]: kubelet.cert,
    [pki.kubeletKey]: kubelet.key,
    [pki.kubeletClient]: kubeletClient.cert,
    [pki.kubeletClientKey]: kubeletClient.key,
    [pki.kubeletConfig]: kubeconfig(here, authority.cert, 'kubelet', kubelet),
    [pki.proxyConfig]: kubeconfig(here, authority.cert, 'kube-proxy', issue('system:kube-proxy')),
    kubeconfig: kubeconfig(here, authority.cert, administrator, { token }),
    'host.kubeconfig': kubeconfig(`https://127.0.0.1:${port}`, authority.cert, administrator, { token }),
  };
  return {
    token,
    ca: authority.cert,
    files: Object.fromEntries(Object.entries(contents).map(([name, text]) => [join(folder, name), text])),
  };
}

// The patch of Argo CD's configuration that makes it judge deployments as health.lua does.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { GROUP, KIND } from '../../api/types.ts';

const script = resolve(import.meta.dirname, '../../../manifests/gitops/argocd/health.lua');

/** To be merged into the ConfigMap argocd-cm. */
export const argoConfig = () => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'argocd-cm', namespace: 'argocd' },
  data: { [`resource.customizations.health.${GROUP}_${KIND}`]: readFileSync(script, 'utf8') },
});

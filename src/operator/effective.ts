// The defaults that apply, as status.effective shows them.
import type { Settings } from '../api/defaults.ts';
import type { Status } from '../api/schema.ts';
import type { Situation } from './situation.ts';

function storageText({ storage, model }: Settings): string {
  if (model.source.kind !== 'Registry') return model.source.kind;
  return storage.kind === 'Claim' ? `PersistentVolumeClaim/${storage.claimName}` : 'Ephemeral';
}

export function effectiveOf({ placement, strategy }: Situation, settings: Settings): NonNullable<Status['effective']> {
  const { model, performance, api, networkPolicy } = settings;
  return {
    ...(placement?.image && { image: placement.image }),
    servedNames: model.servedNames,
    maxContext: performance.maxContext,
    parallel: performance.parallel,
    port: api.port,
    protocols: api.protocols,
    auth: api.authSecret ? 'ApiKeys' : 'None',
    ...(strategy && { strategy }),
    storage: storageText(settings),
    ...(networkPolicy.enabled && { egress: networkPolicy.egress }),
  };
}

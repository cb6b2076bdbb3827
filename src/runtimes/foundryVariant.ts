// Foundry Local variant ids, {name}-{provider}-{device}:{version}: which device a name is for.
import type { Settings } from '../api/defaults.ts';
import type { DeviceClass, Rung } from '../api/hardware.ts';
import type { Problem } from '../api/types.ts';
import { modelOf, rungPath } from './rung.ts';

const providers = ['generic', 'cuda', 'trtrtx', 'openvino', 'qnn', 'vitis'];

/** With the images of this release: MLAS and CUDA (microsoft/Foundry-Local 1.2.3 on Linux). */
const onLinux: Partial<Record<DeviceClass, string>> = { CPU: 'generic-cpu', GPU: 'cuda-gpu' };

export interface Variant {
  /** Such as cuda-gpu. */
  kind: string;
  class: DeviceClass;
}

const classes: Readonly<Record<string, DeviceClass>> = { cpu: 'CPU', gpu: 'GPU', npu: 'NPU' };

/** undefined for an alias, which fits every device, and for names of people's own that do not follow the pattern. */
export function variantOf(name: string): Variant | undefined {
  const [, provider = '', device = '', version] = /-([a-z0-9]+)-(cpu|gpu|npu)(:\d+)?$/.exec(name) ?? [];
  const deviceClass = classes[device];
  if (!deviceClass || !(version || providers.includes(provider))) return undefined;
  return { kind: `${provider}-${device}`, class: deviceClass };
}

/** Names the very field that is wrong: the rung's own name, or the one that it lacks. */
function rungProblem(settings: Settings, rung: Rung, index: number): Problem[] {
  const { name } = modelOf(settings, rung);
  const variant = variantOf(name);
  const ours = rung.image ? undefined : onLinux[rung.class];
  // A rung that nothing here could run is passed over by the ladder, whatever it names, and the next one is taken.
  if (!variant || !(rung.image || ours)) return [];
  const path = `${rungPath(index)}.model.name`;
  const cure = `give the rung a variant for ${rung.class} as model.name, or use the alias`;
  if (variant.class !== rung.class)
    return [{ path, message: `${name} is a variant for ${variant.class} and this rung is ${rung.class}; ${cure}` }];
  if (ours && variant.kind !== ours)
    return [
      {
        path,
        message: `Foundry Local on Linux runs no ${variant.kind} variant, only ${Object.values(onLinux).join(' and ')}; ${cure}`,
      },
    ];
  return [];
}

export const variantProblems = (settings: Settings): Problem[] =>
  settings.ladder.flatMap((rung, index) => rungProblem(settings, rung, index));

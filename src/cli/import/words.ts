// Names and numbers as people write them, in the form that a deployment takes.
import type { DeviceClass } from '../../api/hardware.ts';
import { type Draft, shown } from './draft.ts';

/** Names that courses and posts have and no registry ever had. */
const mistaken: ReadonlyMap<string, string> = new Map([
  ['phi4:mini', 'phi4-mini'],
  ['phi-4-mini', 'phi4-mini'],
]);

/** Sets model.name for Ollama. */
export function setOllamaModel(draft: Draft, name: string, from: string): void {
  const right = mistaken.get(name);
  if (right) draft.note(from, `there is no ${name} in Ollama's library; it is called ${right}`);
  draft.set('model.name', right ?? name, from);
}

/** Sets model.name for Foundry Local, whose catalog knows no publishers in names. */
export function setFoundryModel(draft: Draft, name: string, from: string): void {
  const alias = name.slice(name.lastIndexOf('/') + 1);
  if (alias !== name)
    draft.note(
      from,
      `names in the catalog have no publisher; ${shown(name)} became ${alias}: see that the catalog has it`,
    );
  draft.set('model.name', alias, from);
}

const isClass = (word: string): word is DeviceClass => word === 'CPU' || word === 'GPU' || word === 'NPU';

/** The ladder in the order given; what is no class of device is noted. */
export function setLadder(draft: Draft, words: readonly unknown[], from: string): void {
  const classes: DeviceClass[] = [];
  for (const word of words) {
    const name = String(word).trim().toUpperCase();
    if (!isClass(name)) draft.note(from, `${shown(word)} is no class of device; there are NPU, GPU and CPU`);
    else if (!classes.includes(name)) classes.push(name);
  }
  const [preferred, ...fallback] = classes;
  if (!preferred) return;
  draft.set('hardware.preferred', { class: preferred }, from);
  if (fallback.length > 0)
    draft.set(
      'hardware.fallback',
      fallback.map((name) => ({ class: name })),
      from,
    );
  if (classes.includes('NPU'))
    draft.note(
      from,
      'no runtime has an NPU backend on Linux: the rung is passed over, with its reason, until it gets an image of its own',
    );
}

/** A whole number, also where it is written as text; undefined, with a note, for anything else. */
export function wholeNumber(draft: Draft, value: unknown, from: string): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  draft.note(from, `${shown(value)} is no whole number; left out`);
  return undefined;
}

export function setNumber(draft: Draft, path: string, value: unknown, from: string): void {
  const number = wholeNumber(draft, value, from);
  if (number !== undefined) draft.set(path, number, from);
}

/** A port of the pod's own, where the container listens as nobody in particular. */
export function setPort(draft: Draft, value: unknown, from: string): void {
  const number = wholeNumber(draft, value, from);
  if (number === undefined) return;
  if (number >= 1024) draft.set('api.port', number, from);
  else draft.note(from, `port ${number} takes rights that the pods do not have; the default 8080 is kept`);
}

/** Texts such as 1, true, on. */
export const isOn = (value: unknown): boolean => /^(1|true|yes|on)$/i.test(String(value).trim());

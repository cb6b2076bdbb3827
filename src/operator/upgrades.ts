// How many deployments may take over, at once, what a new version of the operator renders.
import type { Key } from '../kube/types.ts';

export interface UpgradePolicy {
  /** OnNextChange: only together with a change of the spec. Rolling: a few at a time, by themselves. */
  mode: 'OnNextChange' | 'Rolling';
  maxConcurrent: number;
}

export interface Upgrades {
  /** Whether there is a place for it now. */
  may(key: Key): boolean;
  /** Takes a place; false when others were quicker, for plans are made side by side. */
  begin(key: Key): boolean;
  /** What the status of this pass says: an upgrade under way holds its place until it is done. */
  note(key: Key, isUpgrading: boolean): void;
  forget(key: Key): void;
}

/** `onFree` is called when a place becomes free, so that those who wait can be looked at. */
export function createUpgrades({ mode, maxConcurrent }: UpgradePolicy, onFree: () => void): Upgrades {
  const underWay = new Set<Key>();
  const release = (key: Key): void => {
    if (underWay.delete(key)) onFree();
  };
  const may = (key: Key): boolean => mode === 'Rolling' && (underWay.has(key) || underWay.size < maxConcurrent);
  return {
    may,
    begin(key) {
      if (!may(key)) return false;
      underWay.add(key);
      return true;
    },
    note(key, isUpgrading) {
      if (isUpgrading) underWay.add(key);
      else release(key);
    },
    forget: release,
  };
}

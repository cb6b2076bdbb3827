// What has to be undone at the end, the last thing first.

export type Act = () => Promise<void>;

export interface Undoing {
  /** `kept`: not undone when a person wants everything to stay up. */
  add(act: Act, when?: 'always' | 'unlessKept'): void;
  /** One act that fails keeps none of the others from being tried; resolves with why it failed. */
  run(options: { kept: boolean }): Promise<string[]>;
}

export function createUndoing(): Undoing {
  const acts: { act: Act; when: 'always' | 'unlessKept' }[] = [];
  return {
    add: (act, when = 'unlessKept') => void acts.push({ act, when }),
    run: async ({ kept }) => {
      const failures: string[] = [];
      for (const { act, when } of acts.splice(0).reverse()) {
        if (kept && when === 'unlessKept') continue;
        await act().catch((error: unknown) => failures.push(error instanceof Error ? error.message : String(error)));
      }
      return failures;
    },
  };
}

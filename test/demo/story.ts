// The story in its order. Before it a cluster and an operator are made ready; after it they are taken away.

import { edit, repair, scale } from './changes.ts';
import { applyMistakes, applySamples, explainEnds, lookCloser } from './samples.ts';
import type { Scene, Step } from './scene.ts';

export const story: readonly Step[] = [
  { title: 'Samples are applied', run: applySamples },
  { title: 'What became of each, and why', run: explainEnds },
  { title: 'Mistakes', run: applyMistakes },
  { title: 'A closer look', run: lookCloser },
  { title: 'An edit rolls out', run: edit },
  { title: 'Scaling', run: scale },
  { title: 'Damage is repaired', run: repair },
];

/** Headings are numbered on from `first`. Rejects with the reason of the scene's signal when that aborts. */
export async function tell(scene: Scene, first: number, last: number): Promise<void> {
  for (const [index, { title, run }] of story.entries()) {
    scene.signal.throwIfAborted();
    scene.screen.heading(`${first + index}/${last}  ${title}`);
    await run(scene);
    await scene.screen.pause(scene.signal);
  }
}

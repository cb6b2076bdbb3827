import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { outcomes, simulation, simulatorConfig } from '../../controlplane/stages.ts';

interface Stage {
  kind: string;
  metadata: { name: string };
  spec: { selector: { matchExpressions: { key: string; operator: string; values?: string[] }[] }; next: object };
}

const documents = parseAllDocuments(simulatorConfig()).map((document) => document.toJS() as Stage);
const stages = documents.filter(({ kind }) => kind === 'Stage');

test('every outcome has a stage of its own, chosen by the annotation', () => {
  for (const name of Object.keys(outcomes)) {
    const stage = stages.find(({ metadata }) => metadata.name === `pod-${name}`);
    const chosenBy = stage?.spec.selector.matchExpressions.find(({ key }) => key.includes(simulation.outcome));
    expect(chosenBy?.values, name).toEqual([name]);
  }
});

test('no stage is played twice on the same pod', () => {
  for (const name of Object.keys(outcomes)) {
    const stage = stages.find(({ metadata }) => metadata.name === `pod-${name}`);
    const unlessPlayed = stage?.spec.selector.matchExpressions.find(({ key }) => key.includes('Played'));
    expect(unlessPlayed, name).toMatchObject({ operator: 'NotIn', values: expect.arrayContaining([name]) });
  }
});

test('the page for developers names every outcome and every annotation', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/testing.md'), 'utf8');
  const names = [...Object.keys(outcomes).map((name) => `\`${name}\``), ...Object.values(simulation)];
  expect(names.filter((name) => !page.includes(name))).toEqual([]);
});

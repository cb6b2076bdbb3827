// What each scenario renders, against the files that a person has reviewed. UPDATE_GOLDEN=1 writes them anew.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { render, root, scenarioNames } from './scenario.ts';

const INPUTS = ['input.yaml', 'scenario.yaml'];
const HEADER =
  '# Made from input.yaml and scenario.yaml beside it. To make it anew: UPDATE_GOLDEN=1 npx vitest run --project unit test/golden\n';

const updating = process.env.UPDATE_GOLDEN === '1';

// No line is folded and no alias made: a diff shows what changed and nothing else.
const yamlOf = (value: unknown) => HEADER + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

const filesOf = (name: string) => readdirSync(join(root, name)).filter((file) => !INPUTS.includes(file));

function update(name: string, rendered: Record<string, unknown>) {
  for (const file of filesOf(name)) if (!(file in rendered)) rmSync(join(root, name, file));
  for (const [file, child] of Object.entries(rendered)) writeFileSync(join(root, name, file), yamlOf(child));
}

function reviewed(name: string, file: string): string {
  const path = join(root, name, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

describe.each(scenarioNames())('%s', (name) => {
  const rendered = render(name);
  if (updating) update(name, rendered);

  test('renders these children and no others', () => {
    expect(Object.keys(rendered).sort()).toEqual(filesOf(name).sort());
  });

  test.each(Object.keys(rendered))('%s is as reviewed', (file) => {
    expect(yamlOf(rendered[file])).toBe(reviewed(name, file));
  });
});

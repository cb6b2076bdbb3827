import { expect, test } from 'vitest';
import { ollama } from '../../../src/api/runtimeOptions.ts';
import { parameterKinds } from '../../../src/models/parameters.ts';

test('the schema names the parameters that Ollama has, no more and no fewer', () => {
  const name = ollama.shape.modelfile.unwrap().shape.parameters.unwrap().element.shape.name;
  expect([...name.options].sort()).toEqual(Object.keys(parameterKinds).sort());
});

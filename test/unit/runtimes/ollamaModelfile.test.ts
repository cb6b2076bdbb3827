import { expect, test } from 'vitest';
import { ollama } from '../../../src/api/runtimeOptions.ts';
import { parameterKinds } from '../../../src/runtimes/ollamaModelfile.ts';

test('every parameter that the schema lets through has a known type', () => {
  const name = ollama.shape.modelfile.unwrap().shape.parameters.unwrap().element.shape.name;
  const open = name.options.filter(
    (option) => name.safeParse(option).success && !/^num_(ctx|thread|batch|gpu)$/.test(option),
  );
  expect(Object.keys(parameterKinds).sort()).toEqual([...open].sort());
});

import { mkdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import type { GenaiConfig } from '../../../src/foundryLocal/modelFolder.ts';
import { makeView, withLimits } from '../../../src/foundryLocal/view.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';
import { tinyFiles, writeFiles } from './fakeCore.ts';

const config = (context?: number, length?: number): GenaiConfig => ({
  model: {
    type: 'phi3',
    ...(context && { context_length: context }),
    decoder: { filename: 'model.onnx', session_options: { log_id: 'x' } },
  },
  ...(length && { search: { max_length: length, top_k: 1 } }),
});

describe('the limits of the pod', () => {
  test.each([
    ['lower what the model allows', config(4096, 4096), 2048, 2048],
    ['never raise it', config(1024, 512), 2048, 512],
    ['never go over what it was trained for', config(1024), 2048, 1024],
    ['hold where it says nothing', config(), 2048, 2048],
  ])('%s', (_, own, maxContext, wanted) => {
    expect(withLimits(own, { maxContext, threads: undefined }).search).toMatchObject({ max_length: wanted });
  });

  it('leave all else as it was', () => {
    const own = config(4096, 4096);
    expect(withLimits(own, { maxContext: undefined, threads: undefined })).toEqual(own);
    const { model, search } = withLimits(own, { maxContext: 100, threads: 3 });
    expect(search).toEqual({ max_length: 100, top_k: 1 });
    expect(model.decoder).toEqual({
      filename: 'model.onnx',
      session_options: { log_id: 'x', intra_op_num_threads: 3 },
    });
  });
});

describe('the view', () => {
  const served = (folder: string) => ({ schema: 1, reference: 'tiny', id: 'tiny-generic-cpu:2', folder }) as const;

  it('is the layout of the core, made of links to the files and of two that are our own', async () => {
    const root = await temporaryFolder();
    const source = await writeFiles(join(root, 'source'), {
      ...tinyFiles,
      'inference_model.json': '{"PromptTemplate":{"prompt":"p"}}',
    });
    const folder = join(root, 'view');
    await makeView({ served: served(source), folder, maxContext: 512, threads: 2, now: 0 });
    const inside = join(folder, 'Microsoft', 'tiny-generic-cpu-2', 'v1');
    expect(await readlink(join(inside, 'model.onnx'))).toBe(join(source, 'model.onnx'));
    expect(JSON.parse(await readFile(join(inside, 'genai_config.json'), 'utf8'))).toMatchObject({
      search: { max_length: 512 },
    });
    expect(JSON.parse(await readFile(join(inside, 'inference_model.json'), 'utf8'))).toEqual({
      Name: 'tiny-generic-cpu:2',
      PromptTemplate: { prompt: 'p' },
    });
    expect(JSON.parse(await readFile(join(source, 'genai_config.json'), 'utf8'))).not.toHaveProperty('search');
  });

  it('remembers what the catalog said of the model, and of no other', async () => {
    const root = await temporaryFolder();
    const source = await writeFiles(join(root, 'source'), tinyFiles);
    const catalog = { id: 'tiny-generic-cpu:2', supportsToolCalling: true };
    const folder = join(root, 'view');
    await makeView({
      served: { ...served(source), catalog },
      folder,
      maxContext: undefined,
      threads: undefined,
      now: 0,
    });
    expect(JSON.parse(await readFile(join(folder, 'foundry.modelinfo.json'), 'utf8'))).toEqual({
      version: 1,
      savedAt: '1970-01-01T00:00:00.000+00:00',
      models: [catalog],
      detectedRegion: 'eastus',
    });
  });

  it('is made anew each time, so that nothing of an older model is left', async () => {
    const root = await temporaryFolder();
    const source = await writeFiles(join(root, 'source'), tinyFiles);
    const folder = join(root, 'view');
    await mkdir(join(folder, 'Microsoft', 'old-1'), { recursive: true });
    await writeFile(join(folder, 'Microsoft', 'old-1', 'x'), '');
    await makeView({ served: served(source), folder, maxContext: undefined, threads: undefined, now: 0 });
    await expect(stat(join(folder, 'Microsoft', 'old-1'))).rejects.toThrow('ENOENT');
  });
});

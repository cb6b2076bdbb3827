import { expect, test } from 'vitest';
import { spec as specSchema } from '../../../src/api/schema.ts';
import { gatewayConfigOf } from '../../../src/children/gatewayConfig.ts';
import { gatewayContainer } from '../../../src/children/gatewayContainer.ts';
import { jsonEnv } from '../../../src/children/jsonEnv.ts';
import { podVolumes } from '../../../src/children/volumes.ts';
import { gatewayConfig } from '../../../src/gateway/config.ts';
import { gpu, podInput } from './input.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

test('is what the gateway takes', () => {
  const config = gatewayConfigOf(podInput());
  expect(gatewayConfig.parse(config)).toEqual(config);
});

test('the gateway reads the file that Foundry Local writes', () => {
  const input = podInput({ runtime: 'FoundryLocal', model: { name: 'phi-4-mini' } });
  const { reportFile } = gatewayConfigOf(input).runtime;
  expect(reportFile).toBe('/run/local-runtime/runtime.json');
  const env = input.runtime.main(input).env.find(({ name }) => name === 'FL_REPORT_FILE');
  expect(env?.value).toBe(reportFile);
  expect(gatewayConfigOf(podInput()).runtime).not.toHaveProperty('reportFile');
});

test('a rung with a model of its own is served by that name and digest, under the names that clients know', () => {
  const input = podInput({
    model: { name: 'a', digest: digest('1'), servedNames: ['assistant'] },
    hardware: { preferred: { class: 'GPU', model: { name: 'b', digest: digest('2') } } },
  });
  expect(gatewayConfigOf(input).model).toMatchObject({
    reference: 'b',
    digest: digest('2'),
    servedNames: ['assistant'],
  });
});

test('a model must sit on its device where that is required, and on a CPU there is nothing to require', () => {
  const residency = (...given: Parameters<typeof podInput>) => gatewayConfigOf(podInput(...given)).residency;
  expect(residency()).toEqual({ class: 'CPU', required: false });
  expect(residency({ hardware: gpu.hardware })).toEqual({ class: 'GPU', required: true });
  expect(residency({ hardware: { ...gpu.hardware, residency: 'Report' } })).toEqual({ class: 'GPU', required: false });
});

test('a canary that is switched off is not there', () => {
  expect(gatewayConfigOf(podInput({ monitoring: { canary: { enabled: false } } })).canary).toBeUndefined();
  expect(gatewayConfigOf(podInput()).canary).toEqual({ intervalSeconds: 60 });
});

test.each([
  ['10Mi', 10 * 2 ** 20],
  ['1.5k', 1500],
  ['9E', Number.MAX_SAFE_INTEGER],
])('a body may have %s', (maxBodyBytes, bytes) => {
  expect(gatewayConfigOf(podInput({ api: { limits: { maxBodyBytes } } })).limits.maxBodyBytes).toBe(bytes);
});

test('no dollar is left for the kubelet to expand', () => {
  const { value = '' } = jsonEnv('NAME', { text: '$(HOME) and $$' });
  expect(value).not.toContain('$');
  expect(JSON.parse(value)).toEqual({ text: '$(HOME) and $$' });
});

test('the longest configuration that the schema lets through fits one variable of Linux', () => {
  const dollars = (length: number) => '$'.repeat(length);
  const { model, api, monitoring } = specSchema.parse({
    runtime: 'Ollama',
    model: {
      name: dollars(512),
      servedNames: Array.from({ length: 16 }, (_, index) => dollars(250) + String(index).padStart(6, '0')),
    },
    api: { protocols: ['OpenAI', 'Native', 'Anthropic'] },
    monitoring: { canary: { prompt: dollars(4096), expect: { contains: dollars(1024) } } },
  });
  const input = podInput({ model, api, monitoring });
  const [variable] = gatewayContainer(input, podVolumes(input)).env ?? [];
  // MAX_ARG_STRLEN, with name, equals sign and terminating zero.
  expect(Buffer.byteLength(`GATEWAY_CONFIG=${variable?.value}`) + 1).toBeLessThanOrEqual(131_072);
});

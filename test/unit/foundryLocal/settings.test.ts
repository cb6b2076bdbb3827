import { describe, expect, it, test } from 'vitest';
import { commonSettings, serveSettings } from '../../../src/foundryLocal/settings.ts';

const least = { HOME: '/home/model', FL_MODEL_DIR: '/models' };
const serving = { ...least, FL_MODEL: 'tiny' };

describe('settings', () => {
  it('have defaults for all that the operator may leave out', () => {
    expect(serveSettings(serving, '/app/core')).toEqual({
      home: '/home/model/.foundry-local',
      store: '/models',
      libraries: '/app/core',
      provider: undefined,
      offline: false,
      model: 'tiny',
      port: 5273,
      maxContext: undefined,
      threads: undefined,
      loadTimeoutMs: 600_000,
      reportFile: undefined,
    });
  });

  it('are what the variables say', () => {
    const env = {
      ...serving,
      FL_EP: 'cuda',
      FL_CORE: '/elsewhere',
      FL_OFFLINE: '1',
      FL_PORT: '1234',
      FL_MAX_CONTEXT: '8192',
      FL_THREADS: '4',
      FL_LOAD_TIMEOUT: '30',
      FL_REPORT_FILE: '/run/local-runtime/runtime.json',
    };
    expect(serveSettings(env, '/app/core')).toMatchObject({
      libraries: '/elsewhere',
      provider: { device: 'GPU', executionProvider: 'CUDAExecutionProvider' },
      offline: true,
      port: 1234,
      maxContext: 8192,
      threads: 4,
      loadTimeoutMs: 30_000,
      reportFile: '/run/local-runtime/runtime.json',
    });
  });

  test.each([
    [{ FL_MODEL: '' }, 'FL_MODEL is not set'],
    [{ HOME: undefined }, 'HOME is not set'],
    [{ FL_PORT: '0' }, 'FL_PORT must be a whole number from 1 to 65535, not "0"'],
    [{ FL_PORT: '5273;x' }, 'FL_PORT must be'],
    [{ FL_THREADS: '1.5' }, 'FL_THREADS must be'],
    [{ FL_EP: 'npu' }, 'FL_EP must be one of cpu, cuda, not npu'],
  ])('%j are refused by name', (change, message) => {
    expect(() => serveSettings({ ...serving, ...change }, '/app/core')).toThrow(message);
  });

  it('of the pull need no model', () => {
    expect(commonSettings(least, '/app/core').store).toBe('/models');
  });
});

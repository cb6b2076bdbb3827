import { describe, expect, test } from 'vitest';
import { inUse } from '../../../src/foundryLocal/report.ts';

const CPU = 'CPUExecutionProvider';
const CUDA = 'CUDAExecutionProvider';

describe('the provider in use', () => {
  test.each<[string, string[], string[], string | undefined, string, string | undefined]>([
    ['asked for and registered', ['cuda'], [CPU, CUDA], 'GPU', CUDA, 'GPU'],
    ['asked for and registered, whatever the core calls the variant', ['cuda'], [CUDA], undefined, CUDA, 'GPU'],
    ['asked for and not registered', ['cuda'], [CPU], 'GPU', CPU, 'CPU'],
    ['registered and not asked for', [], [CPU, CUDA], 'CPU', CPU, 'CPU'],
    ['nothing known at all', [], [], undefined, CPU, 'CPU'],
    ['the CPU asked for', ['CPU'], [CPU], 'CPU', CPU, 'CPU'],
    [
      'of an image of somebody’s own',
      ['OpenVINO'],
      ['OpenVINOExecutionProvider'],
      'NPU',
      'OpenVINOExecutionProvider',
      'NPU',
    ],
    [
      'on a device that nobody names',
      ['OpenVINO'],
      ['OpenVINOExecutionProvider'],
      'Invalid',
      'OpenVINOExecutionProvider',
      undefined,
    ],
  ])('%s', (_, asked, registered, device, executionProvider, where) =>
    expect(inUse({ asked, registered, device })).toEqual({ executionProvider, ...(where && { device: where }) }),
  );
});

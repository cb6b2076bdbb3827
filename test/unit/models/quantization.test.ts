import { expect, test } from 'vitest';
import { parameterSize, quantizationOf } from '../../../src/models/quantization.ts';

test.each([
  [undefined, 'unknown'],
  [0, 'unknown'], // Ollama's own reading of F32
  [1, 'F16'],
  [7, 'Q8_0'],
  [15, 'Q4_K_M'],
  [32, 'BF16'],
  [38, 'MXFP4_MOE'],
  [4, 'unknown'],
  [999, 'unknown'],
])('file type %s is %s', (fileType, name) => {
  expect(quantizationOf(fileType)).toBe(name);
});

// The right column was printed by Go, with the formats of Ollama's format.HumanNumber.
test.each([
  [1, '1'],
  [999, '999'],
  [1500, '2K'],
  [2500, '2K'],
  [999_500, '1000K'],
  [1_125_000, '1.12M'],
  [1_375_000, '1.38M'],
  [22_569_984, '22.57M'],
  [137_000_000, '137M'],
  [999_999_999, '1000.00M'],
  [1_250_000_000, '1.2B'],
  [1_750_000_000, '1.8B'],
  [8_030_261_312, '8.0B'],
  [70_000_000_000, '70B'],
])('%d parameters are %s', (count, short) => {
  expect(parameterSize(count)).toBe(short);
});

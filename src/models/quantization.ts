// How weights are stored and how many there are, in Ollama's words: what /api/show calls quantization_level and parameter_size.

/** general.file_type of a GGUF by number (llama.cpp's llama_ftype; Ollama's fs/ggml/type.go). Gaps were removed or never used. */
const fileTypes: readonly (string | undefined)[] = [
  'F32',
  'F16',
  'Q4_0',
  'Q4_1',
  undefined,
  undefined,
  undefined,
  'Q8_0',
  'Q5_0',
  'Q5_1',
  'Q2_K',
  'Q3_K_S',
  'Q3_K_M',
  'Q3_K_L',
  'Q4_K_S',
  'Q4_K_M',
  'Q5_K_S',
  'Q5_K_M',
  'Q6_K',
  'IQ2_XXS',
  'IQ2_XS',
  'Q2_K_S',
  'IQ3_XS',
  'IQ3_XXS',
  'IQ1_S',
  'IQ4_NL',
  'IQ3_S',
  'IQ3_M',
  'IQ2_S',
  'IQ2_M',
  'IQ4_XS',
  'IQ1_M',
  'BF16',
  undefined,
  undefined,
  undefined,
  'TQ1_0',
  'TQ2_0',
  'MXFP4_MOE',
  'NVFP4',
  'Q1_0',
];

/** What Ollama says where it does not know. */
export const UNKNOWN_QUANTIZATION = 'unknown';

/** Ollama takes 0 (F32) for a file that does not say, so we do too. */
export const quantizationOf = (fileType: number | undefined): string =>
  (fileType ? fileTypes[fileType] : undefined) ?? UNKNOWN_QUANTIZATION;

/** Rounds as Go does: ties go to the even digit. They exist only where the value is so many halves exactly. */
function fixed(value: number, digits: number): string {
  const isTie = (value * 2 ** (digits + 1)) % 2 === 1;
  if (!isTie) return value.toFixed(digits);
  const below = Math.floor(value * 10 ** digits);
  return ((below % 2 === 0 ? below : below + 1) / 10 ** digits).toFixed(digits);
}

/** Parameters of a model in short: 3.8B, 137M, 22.57M, 512. */
export function parameterSize(parameters: number): string {
  const billions = parameters / 1e9;
  if (billions >= 1) return `${fixed(billions, Number.isInteger(billions) ? 0 : 1)}B`;
  const millions = parameters / 1e6;
  if (millions >= 1) return `${fixed(millions, Number.isInteger(millions) ? 0 : 2)}M`;
  return parameters >= 1000 ? `${fixed(parameters / 1000, 0)}K` : String(parameters);
}

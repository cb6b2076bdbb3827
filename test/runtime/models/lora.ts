// A LoRA adapter for the model of llama.ts: with it the answer begins with another word.
import { float32, ggufFile, type Tensor, text } from './gguf.ts';
import { adaptedGreeting, defaultAnswer, llamaVocabulary, tinyLlamaSize } from './llama.ts';

/** Rank 1, on the output head: where any prompt has ended, `Howdy` is twice as likely as `Hello`. */
export function tinyLora(answer: readonly string[] = defaultAnswer): Buffer {
  const { tokens, idOf } = llamaVocabulary(answer);
  const { width } = tinyLlamaSize;
  const direction = new Float32Array(width);
  direction[0] = 8;
  const pushed = new Float32Array(tokens.length);
  pushed[idOf(adaptedGreeting)] = 1;
  const tensors: Tensor[] = [
    { name: 'output.weight.lora_a', shape: [width, 1], type: 'f32', data: direction },
    { name: 'output.weight.lora_b', shape: [1, tokens.length], type: 'f32', data: pushed },
  ];
  const metadata = {
    'general.architecture': text('llama'),
    'general.type': text('adapter'),
    'general.name': text('tiny-lora'),
    'adapter.type': text('lora'),
    'adapter.lora.alpha': float32(1),
  };
  return ggufFile({ metadata, tensors });
}

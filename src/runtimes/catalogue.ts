// The runtimes by the name that stands in spec.runtime.
import type { Spec } from '../api/schema.ts';
import { foundryLocal } from './foundryLocal.ts';
import { ollama } from './ollama.ts';
import type { Runtime } from './runtime.ts';

export const runtimes: Readonly<Record<Spec['runtime'], Runtime>> = { Ollama: ollama, FoundryLocal: foundryLocal };

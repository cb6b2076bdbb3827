// Ollama references, as far as a spec can be refused for them before anything is pulled.
import { referenceProblem as problemOf } from '../models/reference.ts';

/** Ollama reads the tags `cloud` and `…-cloud`, in any case, as a model that runs at ollama.com. */
const CLOUD = /[:-]cloud$/i;

/** What is wrong with an Ollama reference, and what to do, in the words of the spec. */
export function referenceProblem(reference: string): string | undefined {
  if (reference.includes('://')) return 'must be without a scheme; for http set spec.model.source.registry.plainHttp';
  if (reference.includes('@')) return 'cannot carry a digest; put it into the digest field beside it';
  const problem = problemOf(reference);
  if (problem) return problem.message;
  return reference.includes(':', reference.lastIndexOf('/')) && CLOUD.test(reference)
    ? 'is a model of Ollama Cloud: prompts would leave the cluster; choose one that runs here'
    : undefined;
}

// Ollama references, as far as a spec can be refused for them before anything is pulled.

const MAX_HOST = 350;
const MAX_PART = 80;
const PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/;

/** What is wrong with an Ollama reference, [host/][namespace/]model[:tag] (types/model/name.go), and what to do. */
export function referenceProblem(reference: string): string | undefined {
  if (reference.includes('://')) return 'must be without a scheme; for http set spec.model.source.registry.plainHttp';
  if (reference.includes('@')) return 'cannot carry a digest; put it into the digest field beside it';
  const parts = reference.split('/');
  const last = parts.pop() ?? '';
  const [name = '', tag, ...more] = last.split(':');
  const [namespace, host] = parts.reverse();
  if (parts.length > 2 || more.length > 0) return 'must be [host/][namespace/]model[:tag]';
  if (tag === 'cloud' || tag?.endsWith('-cloud'))
    return 'is a model of Ollama Cloud: prompts would leave the cluster; choose one that runs here';
  if (namespace?.includes('.')) return 'has a dot in its namespace; with a host it must be host/namespace/model[:tag]';
  const isWrong = (part: string | undefined) => part !== undefined && !(part.length <= MAX_PART && PART.test(part));
  if (isWrong(name) || isWrong(tag) || isWrong(namespace) || (host && !(host.length <= MAX_HOST && HOST.test(host))))
    return `must be [host/][namespace/]model[:tag] of letters, digits, _ . and -, at most ${MAX_PART} characters each`;
  return undefined;
}

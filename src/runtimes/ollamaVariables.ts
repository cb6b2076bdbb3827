// The variables of Ollama and its llama-server that we set or refuse. Names that are not here do not compile: OLLAMA_NUM_GPU,
// OLLAMA_NUM_THREAD, OLLAMA_MAX_VRAM and others of the folklore never existed or are gone.

/** ollama/ollama v0.32 envconfig/config.go; LLAMA_ARG_* act in the child llama-server where Ollama passes no flag itself. */
export const ollamaVariables = {
  OLLAMA_HOST: 'address; the gateway is the only way in, so loopback',
  OLLAMA_MODELS: 'the store',
  OLLAMA_NOPRUNE: 'the store may be read-only or shared: never delete from it',
  OLLAMA_NO_CLOUD: 'no remote models, no web search, no calls to ollama.com',
  OLLAMA_KEEP_ALIVE: 'negative: the model stays loaded',
  OLLAMA_MAX_LOADED_MODELS: 'one model per deployment',
  OLLAMA_NUM_PARALLEL: 'performance.parallel',
  OLLAMA_CONTEXT_LENGTH: 'performance.maxContext; unset, it would depend on the memory of the GPU',
  OLLAMA_LOAD_TIMEOUT: 'performance.loadTimeoutSeconds',
  OLLAMA_MAX_QUEUE: 'never less than what the gateway lets in: queueing is its work',
  OLLAMA_FLASH_ATTENTION: 'ollama.flashAttention',
  OLLAMA_KV_CACHE_TYPE: 'ollama.kvCacheType',
  OLLAMA_LLM_LIBRARY: 'cpu on a CPU rung: no GPU library is even looked for',
  OLLAMA_IGPU_ENABLE: '1 for Intel: integrated GPUs are left out otherwise',
  OLLAMA_DEBUG_LOG_REQUESTS: 'refused: it writes prompts to disk',
  OLLAMA_REMOTES: 'refused: hosts that would see prompts',
  LLAMA_ARG_THREADS: 'performance.threads or the CPU limit',
  LLAMA_ARG_HOST: 'refused: where the child listens is between it and Ollama',
  LLAMA_ARG_PORT: 'refused: where the child listens is between it and Ollama',
} as const satisfies Record<string, string>;

export type OllamaVariable = keyof typeof ollamaVariables;

/** Set by us unless the user sets it himself: which libraries fit a device is sometimes known better on the spot. */
export const yielding: readonly OllamaVariable[] = ['OLLAMA_LLM_LIBRARY', 'OLLAMA_IGPU_ENABLE'];

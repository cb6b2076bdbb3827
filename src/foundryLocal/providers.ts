// How a rung's device is called by the core: what FL_EP may say.

export interface Provider {
  /** Value of FL_EP. */
  readonly name: 'cpu' | 'cuda';
  readonly device: 'CPU' | 'GPU';
  /** As the core and ONNX Runtime call it. */
  readonly executionProvider: string;
  /** As it stands in provider_options of genai_config.json; absent: where there are none. */
  readonly option?: string;
}

export const providers = {
  cpu: { name: 'cpu', device: 'CPU', executionProvider: 'CPUExecutionProvider' },
  cuda: { name: 'cuda', device: 'GPU', executionProvider: 'CUDAExecutionProvider', option: 'cuda' },
} as const satisfies Record<string, Provider>;

export const isProvider = (text: string): text is keyof typeof providers => Object.hasOwn(providers, text);

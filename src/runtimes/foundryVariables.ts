// The contract between the operator and the image that runs Foundry Local: its two entry points and what it reads.
// Foundry Local itself reads no variable for model, port or cache, so the FL_* names are ours (docs/hardware.md, own images).

export const foundryVariables = {
  FL_MODEL: 'alias or variant id; serve loads the variant that the pull of this pod has settled on',
  FL_MODEL_DIR: 'the store: pull fills it, serve only reads it',
  FL_PORT: 'port on 127.0.0.1',
  FL_EP: 'execution provider: cpu or cuda; absent on other devices, where the image knows its own',
  FL_MAX_CONTEXT: 'tokens of context',
  FL_THREADS: 'CPU threads; absent: the runtime decides',
  FL_LOAD_TIMEOUT: 'seconds that loading may take',
  FL_REPORT_FILE:
    'file into which serve writes, once the model is loaded, what it runs on (`src/runtimes/foundryReport.ts`); absent: it is not told',
  FL_OFFLINE: '1: never ask the catalog',
  FL_CORE: 'folder with the core and its libraries; set by the image',
} as const satisfies Record<string, string>;

export type FoundryVariable = keyof typeof foundryVariables;

/** ORT_TELEMETRY_DISABLED is the documented switch; core 1.2.3 still looks its telemetry host up unless CI is set. */
export const noTelemetry = { ORT_TELEMETRY_DISABLED: 1, CI: 1 } as const;

// What the server has loaded and on what it runs, for the gateway of the pod: which provider is in use, and the file that says so.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DeviceClass } from '../api/hardware.ts';
import type { Logger } from '../process/logger.ts';
import { type FoundryReport, reportedDevices } from '../runtimes/foundryReport.ts';
import { providers } from './providers.ts';

export interface InUse {
  /** Providers that the model's configuration asks for, by their names in provider_options. */
  readonly asked: readonly string[];
  /** Execution providers that the core has registered. */
  readonly registered: readonly string[];
  /** Device of the variant, as the core says it. */
  readonly device: string | undefined;
}

const isDeviceClass = (text: string | undefined): text is DeviceClass =>
  reportedDevices.some((known) => known === text);

/** The name in provider_options is that of the execution provider without its last words: cuda, OpenVINO, QNN. */
const isAskedBy = (executionProvider: string, asked: readonly string[]): boolean =>
  asked.some((option) => `${option}ExecutionProvider`.toLowerCase() === executionProvider.toLowerCase());

/**
 * ONNX Runtime puts on the CPU what no other provider takes; so it is the CPU unless the model asks for another provider that the
 * core has registered.
 */
export function inUse({ asked, registered, device }: InUse): Pick<FoundryReport, 'executionProvider' | 'device'> {
  const { cpu } = providers;
  const executionProvider = registered.find((name) => name !== cpu.executionProvider && isAskedBy(name, asked));
  if (executionProvider === undefined) return { executionProvider: cpu.executionProvider, device: cpu.device };
  const own = Object.values(providers).find((known) => known.executionProvider === executionProvider);
  if (own) return { executionProvider, device: own.device };
  return { executionProvider, ...(isDeviceClass(device) && { device }) };
}

export interface ReportFile {
  /** So that nobody takes what an earlier process has said for a word of this one. */
  clear(): Promise<void>;
  /** Replaced as a whole. */
  write(report: Omit<FoundryReport, 'schema'>): Promise<void>;
}

/** Does nothing without a path. The report is for others to see: where it cannot be written that is said, and the server goes on. */
export function reportFile(path: string | undefined, log: Logger): ReportFile {
  async function attempt(act: (file: string) => Promise<unknown>): Promise<void> {
    if (path === undefined) return;
    await act(path).catch((err: unknown) =>
      log.warn({ path, err }, 'the gateway cannot be told what the model runs on'),
    );
  }
  return {
    clear: () => attempt((file) => rm(file, { force: true })),
    write: (report) =>
      attempt(async (file) => {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(`${file}.new`, JSON.stringify({ schema: 1, ...report }), { mode: 0o644 });
        await rename(`${file}.new`, file);
      }),
  };
}

// A real Ollama: its server, from its Go module, and the programs that it starts to run models.
import { join } from 'node:path';
import { spelledSeconds } from '../../controlplane/progress.ts';
import { lacksPip } from '../pip.ts';
import { llamaServer, ollama, versions } from '../versions.ts';
import {
  lacksGo,
  openWorkshop,
  requireTools,
  supply,
  supplyGoProgram,
  type Workshop,
  type WorkshopOptions,
} from '../workshop.ts';
import { buildLlamaCpp, lacksCmake, lacksCompiler } from './llamaCpp.ts';

export interface OllamaBinaries {
  /** Absolute path of the server. */
  readonly ollama: string;
  /** Absolute path of the folder with llama-server, llama-quantize and their libraries. */
  readonly llama: string;
}

/** From the cache, else built: minutes. Rejects with UnavailableError. */
export async function findOllama(options: WorkshopOptions): Promise<OllamaBinaries> {
  const workshop = openWorkshop('ollama', options);
  const title = `Ollama ${versions.ollama}`;
  const tools = [lacksGo(ollama.module), lacksCompiler, lacksCmake, lacksPip('the source of llama.cpp')];
  await requireTools(title, [ollama, llamaServer], tools, workshop);
  return { ollama: await supplyGoProgram(ollama, workshop), llama: await supplyLlamaServer(workshop) };
}

function supplyLlamaServer(workshop: Workshop): Promise<string> {
  const { env, cache, progress } = workshop;
  const usual = spelledSeconds(llamaServer.elsewhereSeconds);
  const title = `Building llama-server ${llamaServer.version} (${usual} on two cores elsewhere)`;
  const make = (folder: string) => {
    let done = 0;
    const onPercent = (percent: number) => {
      done = percent;
    };
    const work = join(cache.root, `.work-${llamaServer.name}`);
    return progress.during(title, () => `${done} %`, buildLlamaCpp(folder, { env, work, onPercent }));
  };
  return supply(llamaServer, make, workshop);
}

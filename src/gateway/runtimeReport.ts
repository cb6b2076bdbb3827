// Reads what the server of Foundry Local says of itself. It is the runtime's own word, and believed in nothing else than where its model sits.
import { readBounded } from '../models/files.ts';
import { type FoundryReport, MAX_REPORT_BYTES, parseFoundryReport } from '../runtimes/foundryReport.ts';

export type ReadReport = () => Promise<FoundryReport | undefined>;

/** What stands in the file now; undefined where there is none, or none that can be read. Never rejects. */
export const reportReader =
  (path: string | undefined): ReadReport =>
  async () => {
    if (path === undefined) return undefined;
    try {
      const bytes = await readBounded(path, MAX_REPORT_BYTES, path);
      return bytes && parseFoundryReport(bytes.toString('utf8'));
    } catch {
      return undefined;
    }
  };

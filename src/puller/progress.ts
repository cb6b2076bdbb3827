// Progress of a pull, gathered from all who move bytes and told at most twice a second.
import type { Digest } from '../models/digest.ts';
import type { Descriptor } from '../models/manifest.ts';
import type { Clock, Timer } from '../process/clock.ts';
import { createMeter } from './meter.ts';
import type { LayerProgress, ProgressReport, PullPhase, ServedModel } from './progressReport.ts';

/** Where reports go. Never rejects. */
export type ProgressSink = (report: ProgressReport) => Promise<void> | void;

export interface Progress {
  /** A new phase, over these layers, of which nothing is done yet. */
  begin(phase: PullPhase, work?: { layers?: readonly Descriptor[]; message?: string }): void;
  /** So many bytes of the layer are there now. `moved` of them were fetched or hashed just now: they make the rate. */
  layer(digest: Digest, completedBytes: number, moved: number): void;
  /** Bytes over the network. */
  fetched(bytes: number): void;
  serve(model: ServedModel): void;
  /** The last report; resolves when all sinks have it. */
  end(phase: 'Done' | 'Failed', reason: string, message: string): Promise<void>;
  readonly fetchedBytes: number;
}

export interface ProgressOptions {
  readonly revision: string;
  /** As declared. */
  readonly reference: string;
  readonly clock: Clock;
  readonly sinks: readonly ProgressSink[];
}

const EVERY_MS = 500;
/** Also when nothing moves, so that the rate of a stalled pull goes down. */
const IDLE_MS = 5_000;
const MAX_LAYERS = 64;

const kindOf = ({ mediaType }: Descriptor): string => mediaType.slice(mediaType.lastIndexOf('.') + 1);

/** The largest ones, in the order of the manifest. */
function shown(layers: readonly LayerProgress[]): LayerProgress[] {
  if (layers.length <= MAX_LAYERS) return layers.map((layer) => ({ ...layer }));
  const largest = new Set([...layers].sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, MAX_LAYERS));
  return layers.filter((layer) => largest.has(layer)).map((layer) => ({ ...layer }));
}

/** Tells its sinks `publish()` at most every 500 ms, and every 5 s when nothing happens. */
function createThrottle(clock: Clock, publish: () => Promise<void>) {
  let saidAt = Number.NEGATIVE_INFINITY;
  let due = Number.POSITIVE_INFINITY;
  let timer: Timer | undefined;
  let saying: Promise<void> | undefined;

  function at(ms: number): void {
    timer?.cancel();
    due = clock.monotonic() + ms;
    timer = clock.after(ms, say);
  }
  function say(): void {
    if (saying) {
      at(EVERY_MS);
      return;
    }
    saidAt = clock.monotonic();
    saying = publish().finally(() => {
      saying = undefined;
    });
    at(IDLE_MS);
  }
  return {
    changed() {
      const wait = saidAt + EVERY_MS - clock.monotonic();
      if (wait <= 0 && !saying) say();
      else if (due > clock.monotonic() + EVERY_MS) at(Math.max(1, wait));
    },
    async last() {
      timer?.cancel();
      await saying;
      await publish();
    },
  };
}

export function createProgress({ revision, reference, clock, sinks }: ProgressOptions): Progress {
  const startedAt = new Date(clock.now()).toISOString();
  const meter = createMeter(clock);
  let phase: PullPhase = 'Resolving';
  let message: string | undefined;
  let reason: string | undefined;
  let layers = new Map<Digest, LayerProgress>();
  let completedBytes = 0;
  let totalBytes = 0;
  let fetchedBytes = 0;
  let model: ServedModel | undefined;

  function report(): ProgressReport {
    const rate = meter.bytesPerSecond();
    const eta = rate && totalBytes > completedBytes ? Math.ceil((totalBytes - completedBytes) / rate) : undefined;
    return {
      schema: 1,
      revision,
      reference,
      phase,
      ...(message && { message }),
      ...(reason && { reason }),
      startedAt,
      updatedAt: new Date(clock.now()).toISOString(),
      completedBytes,
      totalBytes,
      fetchedBytes,
      ...(rate !== undefined && { bytesPerSecond: Math.round(rate) }),
      ...(eta !== undefined && { etaSeconds: eta }),
      layers: shown([...layers.values()]),
      ...(model && { model }),
    };
  }

  const throttle = createThrottle(clock, async () => {
    const current = report();
    await Promise.all(sinks.map((sink) => sink(current)));
  });

  return {
    get fetchedBytes() {
      return fetchedBytes;
    },
    begin(next, work = {}) {
      phase = next;
      message = work.message;
      meter.reset();
      layers = new Map(
        (work.layers ?? []).map((layer) => [
          layer.digest,
          { digest: layer.digest, kind: kindOf(layer), sizeBytes: layer.size, completedBytes: 0 },
        ]),
      );
      completedBytes = 0;
      totalBytes = [...layers.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      throttle.changed();
    },
    layer(digest, completed, moved) {
      const layer = layers.get(digest);
      if (layer) {
        completedBytes += completed - layer.completedBytes;
        layer.completedBytes = completed;
      }
      meter.add(moved);
      throttle.changed();
    },
    fetched(bytes) {
      fetchedBytes += bytes;
    },
    serve(served) {
      model = served;
    },
    async end(last, why, words) {
      phase = last;
      reason = why;
      message = words;
      await throttle.last();
    },
  };
}

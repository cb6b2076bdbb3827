// A runtime for the judge that does what the test says, call by call.
import type { LoadedModel } from '../../../src/gateway/observation.ts';
import type { ModelKind } from '../../../src/gateway/routes.ts';
import { type CanaryQuestion, type RuntimeClient, RuntimeError } from '../../../src/gateway/runtimeClient.ts';

export interface ScriptedRuntime extends RuntimeClient {
  up: boolean;
  /** Listens and does not answer. */
  hangs: boolean;
  /** Answers probes and not the question for its models. */
  listHangs: boolean;
  instance: string | undefined;
  loaded: LoadedModel[];
  kind: ModelKind | undefined;
  /** What a load brings; default: nothing. */
  brings: LoadedModel[];
  loadFails: string | undefined;
  /** Loads and questions wait until the test lets them go on. */
  slow: boolean;
  /** Lists wait likewise, and tell how it was when they were asked for. */
  slowList: boolean;
  /** Lets what waits go on. */
  goOn(): void;
  answer: string;
  /** Ends at once, and every connection with it; `up` again is another process. */
  crash(): void;
  readonly calls: string[];
  readonly questions: CanaryQuestion[];
}

export function createScriptedRuntime(): ScriptedRuntime {
  let waiting: (() => void)[] = [];
  const broken = new Set<(error: Error) => void>();
  /** Until it is given up, or the runtime goes. */
  const forever = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      broken.add(reject);
    });
  const turn = (slow: boolean, signal: AbortSignal): Promise<unknown> =>
    slow ? Promise.race([new Promise<void>((resolve) => waiting.push(resolve)), forever(signal)]) : Promise.resolve();

  async function enter(call: string, signal: AbortSignal): Promise<void> {
    runtime.calls.push(call);
    if (!runtime.up) throw new RuntimeError('Refused', 'the runtime does not listen');
    if (runtime.hangs) await forever(signal);
  }

  const runtime: ScriptedRuntime = {
    up: true,
    hangs: false,
    listHangs: false,
    instance: undefined,
    loaded: [],
    kind: 'Generate',
    brings: [],
    loadFails: undefined,
    slow: false,
    slowList: false,
    answer: 'Hello',
    calls: [],
    questions: [],
    crash() {
      runtime.up = false;
      runtime.loaded = [];
      for (const reject of broken) reject(new RuntimeError('Broken', 'the connection broke'));
      broken.clear();
    },
    goOn() {
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    async alive(signal) {
      await enter('alive', signal);
      return runtime.instance === undefined ? {} : { instance: runtime.instance };
    },
    async version(signal) {
      await enter('version', signal);
      return '1.2.3';
    },
    async models(signal) {
      await enter('models', signal);
      if (runtime.listHangs) await forever(signal);
      const { loaded } = runtime;
      await turn(runtime.slowList, signal);
      return loaded;
    },
    async kindOf(_, signal) {
      await enter('kindOf', signal);
      return runtime.kind;
    },
    async load({ name }, kind, signal) {
      await enter(`load ${name} as ${kind}`, signal);
      await turn(runtime.slow, signal);
      if (runtime.loadFails !== undefined) throw new RuntimeError('Answered', runtime.loadFails, { status: 500 });
      runtime.loaded = runtime.brings;
    },
    async ask(question, signal) {
      runtime.questions.push(question);
      await enter('ask', signal);
      await turn(runtime.slow, signal);
      return runtime.answer;
    },
    close: async () => undefined,
  };
  return runtime;
}

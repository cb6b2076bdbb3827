// The process in which the core runs: does what the other end of its channel says, and goes when that has gone.
import { CoreError, type CoreOptions, type FoundryCore, type StartCore } from './core.ts';
import { type CoreReply, type CoreRequest, coreRequest } from './coreMessages.ts';

/** What is needed of Node's `process`, with the channel that `fork` makes. */
export interface ChannelEnd {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  send?(message: CoreReply): unknown;
}

/** A download ends with its process, so nothing is ever called off here. */
const never = new AbortController().signal;

/** Answers requests for as long as the process lives. */
export function runCore(channel: ChannelEnd, start: StartCore): void {
  const say = (reply: CoreReply): void => void channel.send?.(reply);
  let core: FoundryCore | undefined;

  async function act({ id, method, argument }: CoreRequest): Promise<unknown> {
    if (method === 'start') {
      core = await start(argument as CoreOptions);
      return undefined;
    }
    if (!core) throw new CoreError('Failed', `the core was asked to ${method} before it was started`);
    switch (method) {
      case 'download':
        return core.download(argument as string, { onPercent: (percent) => say({ id, percent }), signal: never });
      case 'folderOf':
        return core.folderOf(argument as string);
      case 'load':
        return core.load(argument as string);
      case 'unload':
        return core.unload(argument as string);
      case 'register':
        return core.register(argument as string[]);
      case 'variants':
      case 'providers':
      case 'startService':
      case 'stopService':
        return core[method]();
    }
  }

  channel.on('message', (message) => {
    const request = coreRequest.parse(message);
    act(request).then(
      (result) => say({ id: request.id, result }),
      (error: unknown) => {
        const reason = error instanceof CoreError ? error.reason : 'Failed';
        say({ id: request.id, error: { reason, message: error instanceof Error ? error.message : String(error) } });
      },
    );
  });
}

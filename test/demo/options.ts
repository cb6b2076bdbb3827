// What a person asks of the demo, from the command line.
import { parseArgs } from 'node:util';

export interface DemoOptions {
  help: boolean;
  /** Leave everything up at the end. */
  keep: boolean;
  /** No pauses for reading. */
  fast: boolean;
  /** From `kubectl apply` to an answer of a model, on a real node of its own. */
  realNode?: true;
  /** Path of a kubeconfig: use that cluster instead of starting one. */
  kubeconfig?: string;
  /** A context of that kubeconfig; default: its current one. */
  context?: string;
}

/** The command line is not understood; the message is for the person who typed it. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export const help = `Shows what the operator does, in well under a minute: a real Kubernetes control plane on this machine
with simulated nodes (no root, no containers), the operator, and samples with every kind of outcome.
Simulated nodes run no model.

  npm run demo
  npm run demo -- [--keep] [--fast] [--kubeconfig FILE [--context NAME]]
  npm run demo -- --real-node [--keep] [--fast]

  --keep        leave it all up at the end, and say how to use it and how to end it
  --fast        no pauses for reading; the default where the output is not a terminal
  --kubeconfig  use a cluster of yours instead of starting one. The demo works in a namespace of its own,
                local-model-demo, runs the operator on this machine for that namespace alone, and removes
                both afterwards; likewise the CustomResourceDefinition, unless it was there before
  --context     a context of that kubeconfig; default: its current one
  --real-node   another story, on a real kubelet with real containers, which ends with a model's answer on
                the screen; needs root on Linux (Debian or Ubuntu), and the first run builds for minutes
  --help        this text

Ctrl-C ends it at any time and leaves nothing behind. The exit code is 1 when something did not end as it should.
`;

/** @throws UsageError */
export function readOptions(argv: readonly string[], isTerminal: boolean): DemoOptions {
  const { help: wantsHelp, keep, fast, kubeconfig, context, 'real-node': realNode } = parse(argv);
  if (context !== undefined && kubeconfig === undefined)
    throw new UsageError('--context needs --kubeconfig; see --help');
  if (realNode && kubeconfig !== undefined)
    throw new UsageError('--real-node and --kubeconfig exclude each other; see --help');
  return {
    help: wantsHelp,
    keep,
    fast: fast || !isTerminal,
    ...(realNode && { realNode }),
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        keep: { type: 'boolean', default: false },
        fast: { type: 'boolean', default: false },
        'real-node': { type: 'boolean', default: false },
        kubeconfig: { type: 'string' },
        context: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; see --help`);
  }
}

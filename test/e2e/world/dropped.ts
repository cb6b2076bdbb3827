// What a pod has tried in vain, as the kernel counts it.
import { resources } from '../../../src/kube/resources.ts';
import { runInNode } from '../node/node.ts';
import type { Setting } from '../test.ts';

interface Listing {
  nftables: { rule?: { expr: { counter?: { packets: number } }[] } }[];
}

/** Packets of the deployment's pod that its policy did not let out since the last change of any policy or pod of the node. */
export async function droppedPackets(setting: Setting): Promise<number> {
  const [pod] = await setting.list(resources.pod, 'localmodels.dev/deployment=model');
  const chain = `leaving-${pod?.status.podIP}`; // ruleset.go writes it, with the counter of what is dropped at its end
  const words = ['nft', '-j', 'list', 'chain', 'ip', 'network-policy', chain];
  const { nftables } = JSON.parse(await runInNode(setting.world.node, words)) as Listing;
  const counters = nftables.flatMap(({ rule }) => rule?.expr.flatMap(({ counter }) => counter ?? []) ?? []);
  const last = counters.at(-1);
  if (!last) throw new Error(`nothing is counted in ${chain}`);
  return last.packets;
}

// Everything that a real node runs, from the cache, else fetched or built.
import { dirname } from 'node:path';
import type { Binaries } from '../../controlplane/binaries.ts';
import { findBinaries } from '../../controlplane/binaries.ts';
import { findOllama, type OllamaBinaries } from '../../runtime/ollama/binaries.ts';
import { findRegistries, type RegistryBinaries } from '../../runtime/registries/binaries.ts';
import { lacksGo, openWorkshop, requireTools, supplyGoProgram, type WorkshopOptions } from '../../runtime/workshop.ts';
import { debianPiece, lacksApt, supplyDebian } from './debian.ts';
import { containerd, coredns, ctr, kubenode, pause, shim, versions } from './versions.ts';

export interface NodeBinaries {
  /** Paths. */
  readonly controlPlane: Binaries;
  readonly registries: RegistryBinaries;
  readonly ollama: OllamaBinaries;
  /** kubelet, kube-proxy, the enforcer of NetworkPolicy and the device plugin, by the first argument. */
  readonly kubenode: string;
  readonly coredns: string;
  readonly pause: string;
  readonly containerd: string;
  readonly ctr: string;
  /** Folders for a PATH: containerd finds its shim there, the shim runc, kube-proxy and the enforcer nft. */
  readonly folders: readonly string[];
  /** Folder of runc, nft, buildah, the network plugins and the libraries that they need. */
  readonly debian: string;
}

/** From the cache, else built: a quarter of an hour. Rejects with UnavailableError or BinariesError. */
export async function findNodeBinaries(options: WorkshopOptions): Promise<NodeBinaries> {
  const workshop = openWorkshop('node', options);
  const goPieces = [kubenode, coredns, pause, containerd, shim, ctr];
  const tools = [lacksGo(kubenode.module), lacksApt];
  await requireTools(
    `A node of Kubernetes ${versions.kubernetes}`,
    [...goPieces, await debianPiece()],
    tools,
    workshop,
  );
  const debian = await supplyDebian(workshop);
  const shimPath = await supplyGoProgram(shim, workshop);
  const found = {
    debian,
    kubenode: await supplyGoProgram(kubenode, workshop),
    coredns: await supplyGoProgram(coredns, workshop),
    pause: await supplyGoProgram(pause, workshop),
    containerd: await supplyGoProgram(containerd, workshop),
    ctr: await supplyGoProgram(ctr, workshop),
  };
  return {
    ...found,
    folders: [dirname(shimPath), debian],
    controlPlane: (await findBinaries(options)).paths,
    registries: await findRegistries(options),
    ollama: await findOllama(options),
  };
}

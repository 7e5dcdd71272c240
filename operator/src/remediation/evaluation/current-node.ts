import type { NodeFacts } from '@archpolicy/core';
import type { NodeReader } from '../ports.ts';

/**
 * Reads the node from the API server. Returns undefined if the node does not exist, or if another node has replaced it
 * under the same name. The read is needed because the watch can be minutes behind. In that time, the node may have been
 * reinstalled with another platform. Or another node may have its name, because names of cloud nodes are often
 * addresses, which are reused.
 *
 * @throws if the node cannot be read
 */
export async function readSameNode(
  reader: NodeReader,
  node: NodeFacts,
  signal: AbortSignal,
): Promise<NodeFacts | undefined> {
  const current = await reader.readNode(node.name, signal);
  const isSame = current?.uid === node.uid && current.architecture === node.architecture && current.os === node.os;
  return isSame ? current : undefined;
}

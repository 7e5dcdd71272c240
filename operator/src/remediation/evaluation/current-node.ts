import type { NodeFacts } from '@archpolicy/core';
import type { NodeReader } from '../ports.ts';

/**
 * Reads the node from the API server. Returns undefined if it does not exist or is a different node of the same name.
 * The node may have been replaced, because names of cloud nodes are often addresses, which are reused. Or it may have
 * been reinstalled with another platform. The watch can be minutes behind.
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

import type { NodeFacts } from '@archpolicy/core';
import type { NodeReader } from '../ports.ts';

/**
 * Reads the node from the API server. Returns undefined if it does not exist, or is another node of the same name: replaced (names of
 * cloud nodes are often addresses, which are reused), or reinstalled with another platform. The watch can be minutes behind.
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

import type { NodeFacts } from '@archpolicy/core';
import type { NodeReader } from '../ports.ts';

/**
 * The node as the API server has it now. Undefined when it does not exist, or is another node of the same name: replaced
 * (names of cloud nodes are addresses, which are used again), or installed with another platform. The watch may have missed
 * either for minutes.
 *
 * @throws when the node cannot be read
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

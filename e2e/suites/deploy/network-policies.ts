import { BlockList } from 'node:net';

/** A peer of a NetworkPolicy rule, as far as ArchPolicy's policies use them. */
interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: Selector;
  readonly podSelector?: Selector;
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

interface Rule {
  /** Absent or empty: all callers. */
  readonly from?: readonly Peer[];
  /** Absent: all ports. */
  readonly ports?: readonly { readonly port: string | number; readonly protocol: string }[];
}

export interface NetworkPolicy {
  readonly kind: 'NetworkPolicy';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly podSelector: Selector;
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly Rule[];
  };
}

/** The source of a connection. Only pods have labels. */
export interface Caller {
  readonly address: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A pod of ArchPolicy, and one of its ports by name. */
export interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly port: string;
}

/**
 * Whether the policies of the target's namespace allow the connection. The caller is on another node: traffic from a
 * pod's own node is always allowed.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
export function isAllowed(policies: readonly NetworkPolicy[], caller: Caller, target: Target): boolean {
  const selecting = policies.filter(
    ({ spec }) => spec.policyTypes.includes('Ingress') && matches(spec.podSelector, target.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some(({ spec }) => (spec.ingress ?? []).some((rule) => allows(rule, caller, target.port)));
}

function allows({ from = [], ports }: Rule, caller: Caller, port: string): boolean {
  if (ports !== undefined && !ports.some((each) => each.port === port && each.protocol === 'TCP')) return false;
  return from.length === 0 || from.some((peer) => isPeer(peer, caller));
}

function isPeer({ ipBlock, namespaceSelector, podSelector }: Peer, { address, namespace, labels }: Caller): boolean {
  if (ipBlock !== undefined) {
    return isInRange(ipBlock.cidr, address) && !(ipBlock.except ?? []).some((cidr) => isInRange(cidr, address));
  }
  if (namespace === undefined || labels === undefined) return false;
  // Without a namespace selector, only pods of the policy's own namespace match.
  const isNamespace =
    namespaceSelector === undefined
      ? namespace === 'archpolicy-system'
      : matches(namespaceSelector, { 'kubernetes.io/metadata.name': namespace });
  return isNamespace && matches(podSelector ?? {}, labels);
}

function matches({ matchLabels = {} }: Selector, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
}

function isInRange(cidr: string, address: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const range = new BlockList();
  range.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
  return range.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}

import { BlockList, isIPv6 } from 'node:net';

/** A range of addresses without some of them. */
export interface IpBlock {
  readonly cidr: string;
  readonly except?: readonly string[];
}

/** A peer of a NetworkPolicy rule, as far as ArchPolicy's policies use them. */
interface Peer {
  readonly ipBlock?: IpBlock;
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
  if (ipBlock !== undefined) return isInBlock(ipBlock, address);
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

/** Whether the block contains the address. */
export function isInBlock({ cidr, except = [] }: IpBlock, address: string): boolean {
  return isInRange(cidr, address) && !except.some((range) => isInRange(range, address));
}

function isInRange(cidr: string, address: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  // A BlockList with `::/0` contains each IPv4 address, too. A block of a NetworkPolicy does not.
  if (family(network) !== family(address)) return false;
  const range = new BlockList();
  range.addSubnet(network, Number(prefix), family(network));
  return range.check(address, family(address));
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

import ipaddr from 'ipaddr.js';
import { parse } from 'tldts';
import { normalizeHost, removePort } from './host-pattern.ts';

/**
 * Which clusters may share what is stored about a registry host in a Redis that several clusters use: all of them, or
 * only the processes of this cluster, because the same name may mean another registry in another cluster.
 */
export type ClusterSharing = 'all-clusters' | 'this-cluster';

/** The settings of a host that the rule depends on: a host's entry in the registries file has them. */
export interface SharingSettings {
  /** The installer's own choice, which overrides the rule. */
  readonly shared?: boolean | undefined;
  readonly plainHttp: boolean;
  readonly allowAddresses: readonly unknown[];
  readonly clientCertificate?: unknown;
  readonly mirrors: readonly unknown[];
  readonly rewrite: readonly unknown[];
}

/**
 * Returns which clusters may share what is stored about a host. Only a host that is certainly the same registry
 * everywhere, with the same access, is shared by all clusters: a public name or address without settings that
 * lead elsewhere (mirrors, rewritten paths), that permit an in-cluster registry (plain HTTP, allowed addresses), or that
 * grant access to this cluster alone (a client certificate).
 *
 * @param host host and port as image references write it
 */
export function clusterSharing(host: string, settings: SharingSettings | undefined): ClusterSharing {
  const isShared = settings?.shared ?? (isPublic(host) && !hasLocalSettings(settings));
  return isShared ? 'all-clusters' : 'this-cluster';
}

function hasLocalSettings(settings: SharingSettings | undefined): boolean {
  if (settings === undefined) return false;
  const { plainHttp, allowAddresses, clientCertificate, mirrors, rewrite } = settings;
  return (
    plainHttp ||
    allowAddresses.length > 0 ||
    clientCertificate !== undefined ||
    mirrors.length > 0 ||
    rewrite.length > 0
  );
}

/** Matches all spellings of addresses. Most names do not match it, and parsing one as an address takes 40 us. */
const MAYBE_ADDRESS = /^[0-9a-fx.:%]+$/;

/** Whether the host is a public address, or a name of the public DNS. */
function isPublic(host: string): boolean {
  const name = removePort(normalizeHost(host))
    .toLowerCase()
    .replace(/^\[|\]$|\.$/g, '');
  if (MAYBE_ADDRESS.test(name) && ipaddr.isValid(name)) return ipaddr.process(name).range() === 'unicast';
  // `registry.tools.svc` and `registry.tools.svc.cluster.local`, also with another cluster domain.
  return !name.split('.').includes('svc', 1) && !name.endsWith('.home.arpa') && isBelowPublicSuffix(name);
}

/**
 * Whether the name is below a top-level domain that is delegated in the public DNS. Each network resolves names of others
 * by itself: `harbor.internal`, `registry.consul`, a name without a dot.
 */
function isBelowPublicSuffix(name: string): boolean {
  const { isIcann, domain } = parse(name, { validateHostname: false, extractHostname: false, detectIp: false });
  return isIcann === true && domain !== null;
}

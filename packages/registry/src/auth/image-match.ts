import { withoutPort } from '../config/host-pattern.ts';

/** `registry/repository` of an image, lower-case registry: what credentials are matched against. */
export interface ImagePlace {
  readonly registry: string;
  readonly repository: string;
}

/** Where a credential applies: a host (labels may be globs), a port, and the leading path segments. */
export interface MatchPattern {
  readonly labels: readonly string[];
  readonly port: string;
  readonly path: readonly string[];
  /** As kubelet sorts them: the later in the alphabet the sooner it is tried, so longer paths come first. */
  readonly key: string;
}

const MAX_PATTERN_LENGTH = 1024;

/**
 * Parses a key of a docker config file or an entry of `matchImages` as the kubelet does: an optional scheme, a host with
 * an optional port, an optional path of which a leading `/v1/` or `/v2/` says nothing.
 * https://kubernetes.io/docs/concepts/containers/images/#config-json
 */
export function parsePattern(text: string): MatchPattern | undefined {
  if (text === '' || text.length > MAX_PATTERN_LENGTH) return undefined;
  const [host = '', ...rest] = text.replace(/^https?:\/\//i, '').split('/');
  if (host === '' || host.includes('@')) return undefined;
  const segments = rest.filter((segment) => segment !== '');
  const isVersion = rest.length > 1 && (segments[0] === 'v1' || segments[0] === 'v2');
  const path = isVersion ? segments.slice(1) : segments;
  const name = withoutPort(host.toLowerCase());
  return {
    labels: name.split('.'),
    port: host.slice(name.length + 1),
    path,
    key: [host.toLowerCase(), ...path].join('/'),
  };
}

/** Docker Hub's credentials are kept under the address of its first API. */
const DOCKER_HUB: ImagePlace['registry'] = 'docker.io';
const DOCKER_HUB_KEY = 'index.docker.io';

/** Whether a credential with this pattern is meant for the image: host and port exactly, path by whole segments. */
export function matches(pattern: MatchPattern, place: ImagePlace): boolean {
  if (matchesAt(pattern, place)) return true;
  return place.registry === DOCKER_HUB && matchesAt(pattern, { ...place, registry: DOCKER_HUB_KEY });
}

function matchesAt(pattern: MatchPattern, { registry, repository }: ImagePlace): boolean {
  const name = withoutPort(registry);
  const labels = name.split('.');
  if (pattern.port !== registry.slice(name.length + 1) || pattern.labels.length !== labels.length) return false;
  const segments = repository.split('/');
  if (!pattern.path.every((segment, at) => segment === segments[at])) return false;
  return pattern.labels.every((label, at) => matchesLabel(label, labels[at] ?? ''));
}

/** A glob never reaches beyond its DNS label, so `*.corp.io` is not `registry.corp.io.attacker.tld`. */
function matchesLabel(glob: string, label: string): boolean {
  if (!glob.includes('*')) return glob === label;
  const [head = '', ...tails] = glob.split('*');
  const last = tails.pop() ?? '';
  if (!label.startsWith(head) || !label.endsWith(last) || label.length < head.length + last.length) return false;
  let at = head.length;
  for (const tail of tails) {
    const found = label.indexOf(tail, at);
    if (found < 0 || found + tail.length > label.length - last.length) return false;
    at = found + tail.length;
  }
  return true;
}

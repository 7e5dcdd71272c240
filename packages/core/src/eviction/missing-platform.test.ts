import { describe, expect, test } from '@jest/globals';
import type { Inspection } from '../inspection/inspection.ts';
import type { ContainerEvidence, PodFacts } from '../kubernetes/facts.ts';
import { decideEviction } from './decide.ts';
import { lacksManifest } from './evidence.ts';
import { container, IMAGE, node, ON_WINDOWS, pod, resolved } from './fixtures/objects.ts';
import { buildInput, NOW, seconds, summarize } from './fixtures/eviction-case.ts';
import type { EvictionCase } from './fixtures/eviction-case.ts';
import { suspectPlatforms } from './missing-platform.ts';

const CHILD = 'sha256:18ac5a080828ba21d9c31045b911a2dcaab464367f04bd9c0d6addfa0c96713a';
/** Measured with containerd 1.6.20 and a manifest that was deleted from registry 2.8.2. */
const CONTAINERD = `rpc error: code = NotFound desc = failed to pull and unpack image "${IMAGE}": failed to copy: httpReadSeeker: failed open: content at https://registry.test/v2/web/manifests/${CHILD} not found: not found`;
const FROM_REMOTE = `failed to copy: httpReadSeeker: failed open: could not fetch content descriptor ${CHILD} (application/vnd.oci.image.manifest.v1+json) from remote: not found`;
const CRI_O = `copying system image from manifest list: determining manifest MIME type for docker://${IMAGE}: reading manifest ${CHILD} in registry.test/web: manifest unknown`;
const PROXY = 'registry.test/proxy:v1';

const failing = (message = CONTAINERD, changes: Partial<ContainerEvidence> = {}): ContainerEvidence =>
  container({ waiting: { reason: 'ErrImagePull', message }, ...changes });
const both = resolved('linux/amd64', 'linux/arm64');
const minute = seconds(60);

/** An index whose manifest for the architecture was found missing `agoMs` ago. */
const without = (inspection: Inspection, agoMs: number, architecture: 'amd64' | 'arm64' = 'amd64'): Inspection => {
  if (inspection.kind === 'unresolved') return inspection;
  const missing = [{ os: 'linux', architecture, sinceMs: NOW - agoMs }];
  return { ...inspection, facts: { ...inspection.facts, missing } };
};

describe('I9 messages of a node that did not find a manifest', () => {
  test.each<[string, string, boolean]>([
    ['containerd', CONTAINERD, true],
    ['containerd, while backing off', `Back-off pulling image "${IMAGE}": ErrImagePull: ${CONTAINERD}`, true],
    ['containerd, of several hosts', FROM_REMOTE, true],
    ['CRI-O', CRI_O, true],
    ['a missing tag', `failed to resolve reference "${IMAGE}": ${IMAGE}: not found`, false],
    ['a missing layer', CONTAINERD.replace('/manifests/', '/blobs/'), false],
    ['a missing config', FROM_REMOTE.replace('image.manifest', 'image.config'), false],
    ['no platform of the node', 'no match for platform in manifest: not found', false],
    ['no permission', `failed to authorize: 403 Forbidden`, false],
    ['nothing', '', false],
  ])('I9 %s', (_, message, expected) => {
    expect(lacksManifest([failing(message)], IMAGE)).toBe(expected);
  });

  test('I9 the message is about the image of its container', () => {
    expect(lacksManifest([failing(CONTAINERD, { image: PROXY })], IMAGE)).toBe(false);
    expect(lacksManifest([container(), failing(CONTAINERD, { name: 'other' })], IMAGE)).toBe(true);
  });
});

describe('I9 which platforms are checked', () => {
  const single: Inspection = both.kind === 'resolved' ? { ...both, facts: { ...both.facts, single: true } } : both;
  const override: Inspection = both.kind === 'resolved' ? { ...both, source: 'override' } : both;
  const stuck = pod({ containers: [failing()] });

  test.each<[string, Partial<PodFacts>, Inspection | undefined, boolean]>([
    ['the platform of the node of a pod whose pull failed', stuck, both, true],
    ['the same of an image that offers it weakly', stuck, resolved('linux/amd64/v3', 'linux/arm64'), true],
    ['not for a pod that waits for something else', pod(), both, false],
    ['not for another image', pod({ containers: [failing(CONTAINERD, { image: PROXY })] }), both, false],
    ['not a platform that is known to be missing', stuck, without(both, 0), false],
    ['but if a platform of another node is missing', stuck, without(both, 0, 'arm64'), true],
    ['not a platform that the image does not list', stuck, resolved('linux/arm64'), false],
    ['not for a single manifest', stuck, single, false],
    ['not for an image that is not resolved', stuck, { kind: 'unresolved', reason: 'NotFound' }, false],
    ['not for an image that was not inspected', stuck, undefined, false],
    ['not a platform that a policy declares', stuck, override, false],
  ])('I9 %s', (_, change, inspection, expected) => {
    const inspections = new Map(inspection === undefined ? [] : [[IMAGE, inspection]]);
    const digest = `sha256:${'0'.repeat(64)}`;
    const suspect = { image: IMAGE, digest, os: 'linux', architecture: 'amd64' };
    expect(suspectPlatforms(pod(change), node(), inspections, { images: [] })).toEqual(expected ? [suspect] : []);
  });

  test('I9 no platform is checked if the node’s architecture is not known, or the policy overrides the image', () => {
    const inspections = new Map([[IMAGE, both]]);
    expect(suspectPlatforms(stuck, node({ architecture: '' }), inspections, { images: [] })).toEqual([]);
    const images = [{ match: 'registry.test/*', platforms: ['linux/amd64'] }];
    expect(suspectPlatforms(stuck, node(), inspections, { images })).toEqual([]);
  });
});

describe('I9 R4 a pod whose platform is missing', () => {
  const stuck = pod({ phase: 'Pending', containers: [failing()] });
  const running = pod({ containers: [container({ running: true })] });

  test.each<[string, EvictionCase, string]>([
    ['is evicted once every webhook has read it', { pod: stuck, images: without(both, 11 * minute) }, 'evict'],
    ['waits until then', { pod: stuck, images: without(both, minute) }, 'wait PlatformMissing 600s'],
    ['stays if its pull fails for another reason', { pod: pod(), images: without(both, 11 * minute) }, 'leave Fits'],
    ['stays if it runs: the node has the image', { pod: running, images: without(both, 11 * minute) }, 'leave Fits'],
    ['stays if the registry has it', { pod: stuck, images: both }, 'leave Fits'],
    ['stays if another platform is missing', { pod: stuck, images: without(both, 11 * minute, 'arm64') }, 'leave Fits'],
    [
      'stays if the image offers no other platform',
      { pod: stuck, images: without(resolved('linux/amd64'), 11 * minute) },
      'report NoCommonArchitecture',
    ],
    [
      'stays if no node of another architecture can take it',
      { pod: stuck, images: without(both, 11 * minute), forecast: 'no-node' },
      'report NoNodeForReplacement',
    ],
    [
      'stays if the platforms are for another OS',
      { pod: pod({ ...stuck, requiredAffinity: ON_WINDOWS }), images: without(both, 11 * minute) },
      'report NoCommonArchitecture',
    ],
  ])('I9 %s', (_, row, expected) => {
    expect(summarize(decideEviction(buildInput(row)), NOW)).toBe(expected);
  });
});

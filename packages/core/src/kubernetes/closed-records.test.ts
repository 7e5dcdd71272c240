import { describe, expect, test } from '@jest/globals';
import { pod } from '../eviction/fixtures/objects.ts';
import { ANNOTATION_DECISION, LABEL_SKIP } from './archpolicy-keys.ts';
import { matchesSelector } from '../policy/label-selector.ts';
import { readPodAnnotations } from './annotations.ts';
import type { NamespaceFacts, PodFacts } from './facts.ts';
import { readPodLabels, selectableValue } from './labels.ts';
import { getLabel } from '../json/read.ts';

/**
 * What must not compile. The type check covers this file: an error that is expected and does not occur fails it.
 * An annotation that is read and that the parser drops would compile, pass its tests on whole objects, and never apply
 * to a pod of the cluster.
 */
const RAW = {
  metadata: {
    labels: { [LABEL_SKIP]: 'true', app: 'web', constructor: 'x' },
    annotations: { [ANNOTATION_DECISION]: '{}', 'archpolicy.dev/unknown': 'x' },
  },
};
const NAMESPACE: NamespaceFacts = { name: 'shop', labels: {}, annotations: {} };
const OTHER_KEY = ['archpolicy.dev', 'unknown'].join('/');

describe('a key that the parser does not keep does not compile', () => {
  test('P8 annotations of a pod, stored or in a review', () => {
    const stored: PodFacts['annotations'] = pod().annotations;
    const reviewed = readPodAnnotations(RAW);
    expect(reviewed[ANNOTATION_DECISION]).toBe('{}');
    // @ts-expect-error -- the parser drops this annotation
    expect(stored['archpolicy.dev/unknown']).toBeUndefined();
    // @ts-expect-error -- the parser drops this annotation
    expect(reviewed['archpolicy.dev/unknown']).toBeUndefined();
    // @ts-expect-error -- any key could be one that the parser drops
    expect(reviewed[OTHER_KEY]).toBeUndefined();
    // @ts-expect-error -- a closed record is no map
    expect(getLabel(reviewed, OTHER_KEY)).toBeUndefined();
  });

  test('P8 annotations of a namespace', () => {
    // @ts-expect-error -- the parser drops this annotation
    expect(NAMESPACE.annotations['archpolicy.dev/unknown']).toBeUndefined();
    // @ts-expect-error -- this one is kept of pods only
    expect(NAMESPACE.annotations[ANNOTATION_DECISION]).toBeUndefined();
  });

  test('P8 labels are for selectors: only those that the product reads have names', () => {
    const labels = readPodLabels(RAW);
    expect([labels[LABEL_SKIP], NAMESPACE.labels[LABEL_SKIP]]).toEqual(['true', undefined]);
    // @ts-expect-error -- no rule of the product reads this label
    expect(labels['archpolicy.dev/skipped']).toBeUndefined();
    // @ts-expect-error -- only selectors and policies name keys
    expect(labels[OTHER_KEY]).toBeUndefined();
    // @ts-expect-error -- labels are no map, either
    expect(getLabel(labels, 'app')).toBe('web');
  });

  test('P8 selectors match all labels, and nothing that is not one', () => {
    const labels = readPodLabels(RAW);
    expect(matchesSelector({ matchLabels: { app: 'web', constructor: 'x' } }, labels)).toBe(true);
    expect(matchesSelector({ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, labels)).toBe(false);
    expect([selectableValue(labels, 'app'), selectableValue(labels, 'valueOf')]).toEqual(['web', undefined]);
    // @ts-expect-error -- annotations are not what a selector selects by
    expect(matchesSelector({ matchLabels: { app: 'web' } }, readPodAnnotations(RAW))).toBe(false);
  });
});

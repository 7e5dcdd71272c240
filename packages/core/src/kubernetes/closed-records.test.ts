import { describe, expect, test } from '@jest/globals';
import { pod } from '../eviction/fixtures/objects.ts';
import { ANNOTATION_DECISION, LABEL_SKIP } from './archpolicy-keys.ts';
import { matchesSelector } from '../policy/label-selector.ts';
import { readPodAnnotations } from './annotations.ts';
import type { NamespaceFacts, PodFacts } from './facts.ts';
import { readPodLabels, selectableValue } from './labels.ts';
import { getLabel } from '../json/read.ts';

/**
 * Code that must not compile. The type check fails if an expected error does not occur. Without it, a rule could use an
 * annotation that the parser drops: its tests on raw objects would pass, and it would never apply to a stored pod.
 */
const RAW = {
  metadata: {
    labels: { [LABEL_SKIP]: 'true', app: 'web', constructor: 'x' },
    annotations: { [ANNOTATION_DECISION]: '{}', 'archpolicy.dev/unknown': 'x' },
  },
};
const NAMESPACE: NamespaceFacts = { name: 'shop', labels: {}, annotations: {} };
const OTHER_KEY = ['archpolicy.dev', 'unknown'].join('/');

describe('a key that the parser drops does not compile', () => {
  test('P8 annotations of a pod, stored or in a review', () => {
    const stored: PodFacts['annotations'] = pod().annotations;
    const reviewed = readPodAnnotations(RAW);
    expect(reviewed[ANNOTATION_DECISION]).toBe('{}');
    // @ts-expect-error -- the parser drops this annotation
    expect(stored['archpolicy.dev/unknown']).toBeUndefined();
    // @ts-expect-error -- the parser drops this annotation
    expect(reviewed['archpolicy.dev/unknown']).toBeUndefined();
    // @ts-expect-error -- the parser may drop an arbitrary key
    expect(reviewed[OTHER_KEY]).toBeUndefined();
    // @ts-expect-error -- a closed record is not a map
    expect(getLabel(reviewed, OTHER_KEY)).toBeUndefined();
  });

  test('P8 annotations of a namespace', () => {
    // @ts-expect-error -- the parser drops this annotation
    expect(NAMESPACE.annotations['archpolicy.dev/unknown']).toBeUndefined();
    // @ts-expect-error -- the parser keeps this annotation only for pods
    expect(NAMESPACE.annotations[ANNOTATION_DECISION]).toBeUndefined();
  });

  test('P8 labels: only the labels that the product uses have names', () => {
    const labels = readPodLabels(RAW);
    expect([labels[LABEL_SKIP], NAMESPACE.labels[LABEL_SKIP]]).toEqual(['true', undefined]);
    // @ts-expect-error -- no rule of the product uses this label
    expect(labels['archpolicy.dev/skipped']).toBeUndefined();
    // @ts-expect-error -- only selectors and policies name keys
    expect(labels[OTHER_KEY]).toBeUndefined();
    // @ts-expect-error -- labels are not a map, either
    expect(getLabel(labels, 'app')).toBe('web');
  });

  test('P8 selectors match all labels, but no annotations', () => {
    const labels = readPodLabels(RAW);
    expect(matchesSelector({ matchLabels: { app: 'web', constructor: 'x' } }, labels)).toBe(true);
    expect(matchesSelector({ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, labels)).toBe(false);
    expect([selectableValue(labels, 'app'), selectableValue(labels, 'valueOf')]).toEqual(['web', undefined]);
    // @ts-expect-error -- a selector does not match annotations
    expect(matchesSelector({ matchLabels: { app: 'web' } }, readPodAnnotations(RAW))).toBe(false);
  });
});

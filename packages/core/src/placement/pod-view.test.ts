import { expect, test } from '@jest/globals';
import type { Json } from '../json/json.ts';
import { readPodView } from './pod-view.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const terms = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }] };

test.each<[string, Json, boolean, boolean]>([
  ['null', null, false, true],
  ['a string', 'malformed', false, false],
  ['terms', terms, true, true],
])('PL11 the required affinity is absent unless it is well-formed: %s', (_, required, isPresent, wellFormed) => {
  const view = readPodView({ metadata: {}, spec: { affinity: { nodeAffinity: { [REQUIRED]: required } } } });
  expect('requiredAffinity' in view).toBe(isPresent);
  expect(view.wellFormed).toBe(wellFormed);
});

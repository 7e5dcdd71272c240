import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { UnresolvedReason } from '../inspection/inspection.ts';
import { buildInput } from './fixtures/row.ts';
import type { PlacementWarning } from './decision.ts';
import { placePod } from './place-pod.ts';
import { quote, utf8Length } from './quote.ts';
import { denialText, MAX_WARNING_LENGTH, warningText } from './warnings.ts';

const image = fc.string({ unit: 'binary', maxLength: 2000 });
const warning: fc.Arbitrary<PlacementWarning> = fc.oneof(
  fc.record({
    kind: fc.constant('PreferenceUnknown' as const),
    by: fc.constantFrom('pod' as const, 'namespace' as const),
  }),
  fc.record({
    kind: fc.constantFrom('PreferenceNotSupported' as const, 'PreferenceNotAllowed' as const),
    by: fc.constantFrom('pod' as const, 'namespace' as const),
    architecture: image,
  }),
  fc.record({ kind: fc.constant('PreferredNotSchedulable' as const), architecture: fc.constant('mips64le' as const) }),
  fc.record({
    kind: fc.constantFrom(
      'OwnerChoiceUnsupported' as const,
      'NoCommonArchitecture' as const,
      'NotAllowedByPolicy' as const,
    ),
    image,
  }),
  fc.record({
    kind: fc.constant('Unresolved' as const),
    image,
    reason: fc.constantFrom<UnresolvedReason>('InvalidReference', 'UnknownPlatform'),
  }),
  fc.record({ kind: fc.constant('LabelContradicts' as const), key: image }),
  fc.record({ kind: fc.constant('SelfCheckFailed' as const) }),
);

describe('warnings', () => {
  test("PL11 no warning exceeds the API server's limit or contains terminal control characters", () => {
    fc.assert(
      fc.property(warning, (one) => {
        const text = warningText(one);
        expect(text.length).toBeLessThanOrEqual(MAX_WARNING_LENGTH);
        expect(text).toMatch(/^[ -~]+$/);
      }),
      { numRuns: 1000 },
    );
  });

  test.each<[PlacementWarning, string]>([
    [
      { kind: 'NoCommonArchitecture', image: 'registry.example.com/team/app:1.2' },
      'archpolicy: images have no architecture in common: not constrained: registry.example.com/team/app:1.2',
    ],
    [
      { kind: 'PreferenceNotSupported', by: 'pod', architecture: 'arm64' },
      'archpolicy: images do not support arm64, which the pod prefers: ignored',
    ],
    [{ kind: 'Unresolved', image: 'app', reason: 'NotFound' }, 'archpolicy: platforms not known (NotFound): app'],
    [
      { kind: 'PreferredNotSchedulable', architecture: 'arm64' },
      'archpolicy: no ready node can take the pod on arm64, which is preferred',
    ],
    [
      { kind: 'PreferenceUnknown', by: 'namespace' },
      'archpolicy: label archpolicy.dev/preferred of the namespace names no architecture: ignored',
    ],
    [
      { kind: 'PreferenceNotAllowed', by: 'namespace', architecture: 'mips64lemips64le' },
      'archpolicy: the policy does not allow mips6~64le, which the namespace prefers: ignored',
    ],
    [
      { kind: 'PreferenceNotSupported', by: 'namespace', architecture: 'mips64lemips64le' },
      'archpolicy: images do not support mips6~64le, which the namespace prefers: ignored',
    ],
    [{ kind: 'NotAllowedByPolicy', image: 'app' }, 'archpolicy: not on an architecture that the policy allows: app'],
    [
      { kind: 'LabelContradicts', key: 'team' },
      "archpolicy: label team contradicts the pod's node selection: not copied",
    ],
    [
      { kind: 'LabelContradicts', key: `example.com/${'k'.repeat(60)}` },
      `archpolicy: label example.com/kkkkkkkk~${'k'.repeat(19)} contradicts the pod's node selection: not copied`,
    ],
    [
      { kind: 'Unresolved', image: 'i'.repeat(99), reason: 'NotFound' },
      `archpolicy: platforms not known (NotFound): ${'i'.repeat(26)}~${'i'.repeat(25)}`,
    ],
    [{ kind: 'SelfCheckFailed' }, 'archpolicy: the constraint would make the pod invalid: not constrained'],
    [{ kind: 'OwnerChoiceUnsupported' }, 'archpolicy: images do not support the architecture that the pod selects'],
    [
      { kind: 'OwnerChoiceUnsupported', image: 'i'.repeat(99) },
      `archpolicy: images do not support the architecture that the pod selects: ${'i'.repeat(26)}~${'i'.repeat(20)}`,
    ],
  ])('PL6 %j', (one, text) => {
    expect(warningText(one)).toBe(text);
  });

  test('PL4 the warning names the decisive image', () => {
    const rows = [
      { images: { app: 'linux/amd64', side: 'linux/arm64' } },
      { images: { app: 'linux/amd64' }, pod: { nodeSelector: { 'kubernetes.io/arch': 'arm64' } } },
    ];
    expect(rows.map((row) => placePod(buildInput(row)).warnings)).toEqual([
      ['archpolicy: images have no architecture in common: not constrained: side'],
      ['archpolicy: images do not support the architecture that the pod selects: app'],
    ]);
  });

  test('PL9 a denial names the policy and the image', () => {
    const { decision } = placePod(
      buildInput({ policy: { whenUnresolved: 'Deny' }, images: { app: 'unresolved Unauthorized' } }),
    );
    if (decision.kind !== 'deny') throw new Error('not denied');
    expect(denialText(decision)).toBe(
      'refused by ArchPolicy default: the platforms of an image are not known (app): Unauthorized',
    );
  });

  test('PL9 a denial without an image and its result', () => {
    expect(denialText({ kind: 'deny', policy: 'default', reason: 'Unresolved', unresolved: [], warnings: [] })).toBe(
      'refused by ArchPolicy default: the platforms of an image are not known: Unresolved',
    );
  });

  test('PL4 a denial because no architecture is allowed', () => {
    const policy = { whenNoCommonArchitecture: 'Deny', architectures: ['arm64'] };
    const { decision } = placePod(buildInput({ policy, images: { app: 'linux/amd64' } }));
    if (decision.kind !== 'deny') throw new Error('not denied');
    expect(denialText(decision)).toBe(
      'refused by ArchPolicy default: its images support none of the allowed architectures (app)',
    );
  });

  test('PL4 a denial because of no common architecture', () => {
    const row = { policy: { whenNoCommonArchitecture: 'Deny' }, images: { app: 'linux/amd64', side: 'linux/arm64' } };
    const { decision } = placePod(buildInput(row));
    if (decision.kind !== 'deny') throw new Error('not denied');
    expect(denialText(decision)).toBe(
      'refused by ArchPolicy default: its images have no architecture in common (side)',
    );
  });
});

describe('texts of tenants', () => {
  test.each<[string, number, string]>([
    ['nginx:1.27', 20, 'nginx:1.27'],
    ['nginx:1.27', 10, 'nginx:1.27'],
    ['nginx:1.27', 9, 'ngin~1.27'],
    ['registry.example.com/very/long/path:tag', 21, 'registry.e~g/path:tag'],
    ['a\u001b[31mb\nc', 20, 'a??31mb?c'],
  ])('PL11 %j in %d characters', (text, max, expected) => {
    expect(quote(text, max)).toBe(expected);
  });

  test('PL11 the UTF-8 length equals that of an encoder', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });
});

test.each<[string, number]>([
  ['\u007f', 1],
  ['\u0080', 2],
  ['\u07ff', 2],
  ['\u0800', 3],
  ['\ud7ff\udc00', 6],
  ['\ud800\udc00', 4],
  ['\ud801\udc01', 4],
  ['\udbff\udfff', 4],
  ['\ud800\udbff', 6],
  ['\udc00\udc00', 6],
  ['\ud800\ue000', 6],
  ['\ue000', 3],
  ['\ud800a', 4],
])('PL11 %j takes %d bytes in UTF-8', (text, bytes) => {
  expect(utf8Length(text)).toBe(bytes);
});

describe('audit annotations', () => {
  test('PL6 contain kind, reason, policy, architectures and image', () => {
    expect(placePod(buildInput({ images: { app: 'linux/amd64 linux/arm64' } })).auditAnnotations).toEqual({
      decision: 'constrain',
      reason: 'ImagesSupport',
      policy: 'default',
      architectures: 'amd64,arm64',
      image: 'app',
    });
    expect(placePod(buildInput({ policy: null, images: { app: 'linux/amd64' } })).auditAnnotations).toEqual({
      decision: 'leave',
      reason: 'NoPolicy',
    });
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ALLOWED_UNCHANGED, encodeReview, fitWarning } from './response.ts';

describe('encodeAnswer', () => {
  test('unchanged: only uid, allowed, and the uid for the audit log', () => {
    expect(JSON.parse(encodeReview('u', ALLOWED_UNCHANGED))).toEqual({
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      response: { uid: 'u', allowed: true, auditAnnotations: { request: 'u' } },
    });
  });

  test('a patch is base64 of JSON with the patch type JSONPatch', () => {
    const patch = [{ op: 'add', path: '/metadata/annotations', value: { ä: '€' } }];
    const { response } = JSON.parse(encodeReview('u', { allowed: true, patch })) as {
      response: { patch: string; patchType: string };
    };
    expect(response.patchType).toBe('JSONPatch');
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'))).toEqual(patch);
  });

  test('an empty patch is omitted: the API server rejects a patch type without a patch', () => {
    expect(encodeReview('u', { allowed: true, patch: [] })).not.toContain('patch');
  });

  test('a rejection has a code, a message and no patch', () => {
    const answer = encodeReview('u', { allowed: false, message: 'why', patch: [{ op: 'add' }] });
    expect(JSON.parse(answer)).toMatchObject({ response: { allowed: false, status: { code: 403, message: 'why' } } });
    expect(answer).not.toContain('patchType');
  });

  test('passes on audit annotations and at most ten warnings', () => {
    const warnings = Array.from({ length: 20 }, (_, i) => `warning ${i}`);
    const { response } = JSON.parse(
      encodeReview('u', { allowed: true, warnings, auditAnnotations: { reason: 'x' } }),
    ) as {
      response: { warnings: string[]; auditAnnotations: object };
    };
    expect(response.warnings).toHaveLength(10);
    expect(response.auditAnnotations).toEqual({ reason: 'x', request: 'u' });
  });
});

describe('fitWarning', () => {
  test.each([
    ['short', 'short'],
    ['x'.repeat(120), 'x'.repeat(120)],
    ['x'.repeat(121), `${'x'.repeat(119)}…`],
    ['two\r\nlines\tand\u0000more', 'two lines and more'],
    ['a\ud800b', 'a b'],
    ['😀'.repeat(121), `${'😀'.repeat(119)}…`],
  ])('%j becomes %j', (text, expected) => {
    expect(fitWarning(text)).toBe(expected);
  });

  test('any text becomes one line of at most 120 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const fitted = fitWarning(text);
        expect(Array.from(fitted).length).toBeLessThanOrEqual(120);
        expect(fitted).not.toMatch(/[\p{Cc}\n\r]/u);
      }),
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { LeafOptions } from '@archpolicy/testkit';
import { selectClientTls } from './client-tls.ts';
import type { ClientTls } from './client-tls.ts';

const NOW_MS = Date.now();
const HOUR_MS = 3_600_000;
const names = { ca: 'ca', certificate: 'cert', key: 'key' };

const [first, second] = await Promise.all([createCertificateAuthority('a'), createCertificateAuthority('b')]);
const pair = async (options: LeafOptions = {}): Promise<ClientTls> => {
  const { certificate, key } = await first.issue(options);
  return { cert: certificate, key };
};
const [one, other, weak, early, late] = await Promise.all([
  pair(),
  pair(),
  pair({ keyType: 'RSA-1024' }),
  pair({ notBefore: new Date(NOW_MS + HOUR_MS) }),
  pair({ notAfter: new Date(NOW_MS - HOUR_MS) }),
]);
const [a, b] = [{ ca: first.certificate }, { ca: second.certificate }];
const noCa = { ca: 'garbage' };

const NO_CA = 'ca contains no PEM certificate';
const WEAK = 'cert and key are rejected by OpenSSL (ERR_SSL_EE_KEY_TOO_SMALL)';

describe('what a TLS client uses', () => {
  test.each<[string, ClientTls, ClientTls | undefined, ClientTls | 'nothing', string[]]>([
    ['nothing is configured', {}, undefined, {}, []],
    ['nothing is configured any longer', {}, { ...a, ...one }, {}, []],
    ['a first usable one', { ...a, ...one }, undefined, { ...a, ...one }, []],
    ['a usable one', { ...b, ...other }, { ...a, ...one }, { ...b, ...other }, []],
    ['a bundle that is unusable', noCa, a, a, [NO_CA]],
    ['a bundle that is unusable, the first one', noCa, undefined, 'nothing', [NO_CA]],
    ['a bundle that is unusable, where there was none', { ...noCa, ...one }, one, 'nothing', [NO_CA]],
    ['an unusable bundle with a new pair', { ...noCa, ...other }, { ...a, ...one }, { ...a, ...other }, [NO_CA]],
    ['an unusable pair with a new bundle', { ...b, ...weak }, { ...a, ...one }, { ...b, ...one }, [WEAK]],
    ['two unusable ones', { ...noCa, ...weak }, { ...a, ...one }, { ...a, ...one }, [NO_CA, WEAK]],
    ['an unusable pair, the first one', weak, undefined, 'nothing', [WEAK]],
    ['a pair that is not valid yet', early, one, one, ['cert is not valid yet']],
    ['a pair that is not valid yet, the first one', early, undefined, early, []],
    ['a pair that is not valid yet, the one before has expired', early, late, early, []],
    ['an expired pair', late, one, one, ['cert has expired']],
    ['an expired pair, the first one', late, undefined, late, []],
    ['a certificate without a key', { cert: one.cert! }, undefined, 'nothing', ['key contains no PEM private key']],
    ['a key without a certificate', { key: one.key! }, one, one, ['cert contains no PEM certificate']],
  ])('P2 %s', (_, next, current, selected, problems) => {
    const selection = selectClientTls(next, current, { nowMs: NOW_MS, names });
    expect(selection.kind === 'usable' ? selection.tls : 'nothing').toEqual(selected);
    expect(selection.problems).toEqual(problems);
  });
});

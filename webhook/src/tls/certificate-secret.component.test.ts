import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { ApiClient, fixedCredentials } from '@archpolicy/kube';
import { createLogger } from '@archpolicy/service';
import { createCertificateAuthority, FakeApiServer, FakeClock, statusObject } from '@archpolicy/testkit';
import type { ApiFault, CertificateAuthority, CertificatePair } from '@archpolicy/testkit';
import { certificateSecret } from './certificate-secret.ts';
import type { CertificateSource } from './certificate-source.ts';
import { CertificateWatch } from './certificate-watch.ts';

const DAY_MS = 86_400_000;
const SERVICE = 'archpolicy-webhook.archpolicy-system.svc';
const SECRET = { namespace: 'archpolicy-system', name: 'archpolicy-webhook-tls' };
const WAITING = 'waiting for Secret archpolicy-system/archpolicy-webhook-tls';
const ABSENT = 'it does not exist; the operator creates it, unless ARCHPOLICY_CERTIFICATES is external';
const FORBIDDEN = 'the API server forbids reading it; apply the Role archpolicy-webhook of deploy/base/rbac';

let authority: CertificateAuthority;
let server: FakeApiServer;
let clock: FakeClock;
let client: ApiClient;
let source: CertificateSource;
let watch: CertificateWatch;
let lines: { msg: string; level: number; code?: string; problem?: string; source?: string }[];
let outcomes: string[];
let isHanging: boolean;

beforeAll(async () => {
  authority = await createCertificateAuthority();
});

beforeEach(async () => {
  lines = [];
  outcomes = [];
  isHanging = false;
  server = await new FakeApiServer().start();
  clock = new FakeClock(Date.now());
  client = new ApiClient({ credentials: fixedCredentials({ server: server.url }), clock, userAgent: 'test/0' });
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) };
  const logger = createLogger({ name: 'test', level: 'info', destination });
  source = certificateSecret({ api: client, secret: SECRET, serverName: SERVICE, random: () => 0 });
  const onRead = (outcome: string): void => void outcomes.push(outcome);
  watch = new CertificateWatch({ source, serverName: SERVICE, clock, logger, onCertificate: () => undefined, onRead });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

const issue = (options = {}): Promise<CertificatePair> => authority.issue({ dnsNames: [SERVICE], ...options });
const toData = (values: Readonly<Record<string, string>>): JsonObject =>
  Object.fromEntries(Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
const put = (data: JsonObject, type = 'kubernetes.io/tls'): void =>
  void server.collection('/api/v1/secrets').put({ apiVersion: 'v1', kind: 'Secret', metadata: SECRET, type, data });
const putPair = ({ certificate, key }: CertificatePair): void => {
  put(toData({ 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate }));
};
const status = (code: number, reason: string): ApiFault => ({
  kind: 'answer',
  status: code,
  body: statusObject(code, reason),
});
const served = (): string | undefined => watch.current?.cert.toString();

/** Polls once. An API server that does not answer costs the timeout of the read. */
async function poll(): Promise<void> {
  const polling = watch.poll();
  if (isHanging) {
    await clock.untilSleeping((ms) => ms === 5_000);
    await clock.advance(5_000);
  }
  await polling;
}

type Setup = (good: CertificatePair) => void | Promise<void>;
const fails =
  (fault: ApiFault): Setup =>
  () => {
    server.fault = () => fault;
    isHanging = fault.kind === 'hang';
  };
const recover = (): void => {
  server.fault = () => undefined;
  isHanging = false;
};

/** Each state in which the Secret cannot be used: outcome, code and problem. */
const STATES: readonly (readonly [string, Setup, outcome: string, code: string, problem: string])[] = [
  [
    'is missing',
    () => {
      server.collection('/api/v1/secrets').remove(`${SECRET.namespace}/${SECRET.name}`);
    },
    'absent',
    'SecretAbsent',
    ABSENT,
  ],
  ['is forbidden', fails(status(403, 'Forbidden')), 'forbidden', 'SecretForbidden', FORBIDDEN],
  [
    'is answered 500',
    fails(status(500, 'InternalError')),
    'unavailable',
    'SecretUnavailable',
    'the API server did not return it (status 500)',
  ],
  [
    'is not answered',
    fails({ kind: 'hang' }),
    'unavailable',
    'SecretUnavailable',
    'the API server did not return it (Timeout)',
  ],
  [
    'is cut off',
    fails({ kind: 'cut', body: '{' }),
    'unavailable',
    'SecretUnavailable',
    'the API server did not return it (Network)',
  ],
  [
    'is too large',
    fails({ kind: 'answer', status: 200, body: ' '.repeat(2 ** 20 + 1) }),
    'bad',
    'SecretTooLarge',
    'it is larger than 1048576 bytes',
  ],
  [
    'has another type',
    ({ certificate, key }) => {
      put(toData({ 'tls.crt': certificate, 'tls.key': key }), 'Opaque');
    },
    'bad',
    'SecretTypeUnsupported',
    'its type is not kubernetes.io/tls; delete it, and create it with kubectl create secret tls',
  ],
  [
    'lacks the key',
    ({ certificate }) => {
      put(toData({ 'tls.crt': certificate }));
    },
    'bad',
    'KeyAbsent',
    'it lacks tls.key',
  ],
  [
    'lacks the certificate',
    ({ key }) => {
      put(toData({ 'tls.key': key }));
    },
    'bad',
    'KeyAbsent',
    'it lacks tls.crt',
  ],
  [
    'has no data',
    () => {
      put({});
    },
    'bad',
    'KeyAbsent',
    'it lacks tls.crt',
  ],
  [
    'has an empty certificate',
    ({ key }) => {
      putPair({ certificate: '', key });
    },
    'bad',
    'CertificateInvalid',
    'tls.crt contains no PEM certificate',
  ],
  [
    'contains text',
    () => {
      putPair({ certificate: 'garbage', key: 'garbage' });
    },
    'bad',
    'CertificateInvalid',
    'tls.crt contains no PEM certificate',
  ],
  [
    'contains no base64',
    () => {
      put({ 'tls.crt': '%%%', 'tls.key': '%%%' });
    },
    'bad',
    'CertificateInvalid',
    'tls.crt contains no PEM certificate',
  ],
  [
    'contains more than a file may',
    ({ certificate, key }) => {
      putPair({ certificate: certificate + '\n'.repeat(2 ** 18), key });
    },
    'bad',
    'FileTooLarge',
    'tls.crt is larger than 262144 bytes',
  ],
  [
    'has the key of another certificate',
    async ({ certificate }) => {
      putPair({ certificate, key: (await issue()).key });
    },
    'bad',
    'KeyMismatch',
    'tls.key is not the key of the first certificate in tls.crt',
  ],
];

describe('the serving pair in a Secret', () => {
  test.each(STATES)(
    'P2 while the Secret %s, the webhook waits, logs it once, and uses the pair that appears',
    async (_, setup, outcome, code, problem) => {
      const good = await issue();
      expect(watch.check()).toEqual({ ok: false, reason: WAITING });
      await setup(good);
      for (let times = 0; times < 3; times += 1) await poll();
      expect(watch.check()).toEqual({ ok: false, reason: `${WAITING}: ${problem}` });
      expect(lines).toEqual([
        expect.objectContaining({ msg: 'failed to load certificate, waiting for a valid one', code, problem }),
      ]);
      expect(lines[0]?.source).toBe('Secret archpolicy-system/archpolicy-webhook-tls');
      expect(outcomes).toEqual([outcome, outcome, outcome]);
      recover();
      putPair(good);
      await poll();
      expect([served(), watch.check()]).toEqual([good.certificate, { ok: true }]);
    },
  );

  test.each([
    ...STATES,
    [
      'has a pair for another name',
      async () => {
        putPair(await issue({ dnsNames: ['other'] }));
      },
      'wrong-name',
      'WrongName',
      `the new certificate is not valid for ${SERVICE}`,
    ],
    [
      'has an expired pair',
      async () => {
        putPair(await issue({ notAfter: new Date(clock.now() - 1) }));
      },
      'expired',
      'Expired',
      'the new certificate has expired',
    ],
  ] as typeof STATES)(
    'P2 when the Secret %s, the good pair is served, the webhook is ready, and a new pair replaces it',
    async (_, setup, outcome, code, problem) => {
      const good = await issue();
      putPair(good);
      await poll();
      await setup(good);
      for (let times = 0; times < 3; times += 1) await poll();
      expect([served(), watch.check()]).toEqual([good.certificate, { ok: true }]);
      expect(outcomes).toEqual(['loaded', outcome, outcome, outcome]);
      expect(lines.slice(1)).toEqual([expect.objectContaining({ code, problem })]);
      recover();
      const next = await issue();
      putPair(next);
      await poll();
      expect(served()).toBe(next.certificate);
    },
  );

  test('P2 an API server that is down changes nothing, and a pair that expires meanwhile is unready', async () => {
    const good = await issue({ notAfter: new Date(clock.now() + DAY_MS) });
    putPair(good);
    await poll();
    await server.stop();
    await poll();
    expect([served(), watch.check()]).toEqual([good.certificate, { ok: true }]);
    clock.jump(2 * DAY_MS);
    expect(watch.check()).toEqual({ ok: false, reason: 'the certificate has expired' });
    await server.start();
  });

  test.each([
    ['without a pair', { hasPair: false, isValid: false }, 2_000],
    ['with an expired pair', { hasPair: true, isValid: false }, 2_000],
    ['with a valid pair', { hasPair: true, isValid: true }, 30_000],
  ])('P2 %s it is read at its interval, or up to a fifth earlier', (_, state, expectedMs) => {
    const withRandom = (random: () => number): number =>
      certificateSecret({ api: client, secret: SECRET, serverName: SERVICE, random }).intervalMs(state);
    expect(withRandom(() => 0)).toBe(expectedMs);
    expect(withRandom(() => 0.5)).toBe(expectedMs * 0.9);
  });

  test('P5 no content of the Secret is logged', async () => {
    const { key } = await issue();
    putPair({ certificate: key, key });
    await poll();
    expect(lines).toHaveLength(1);
    expect(JSON.stringify([lines, watch.check()])).not.toContain(key.split('\n')[1]);
  });
});

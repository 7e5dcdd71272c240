import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeDnsServer } from '@archpolicy/testkit';
import { sendQuery } from './query.ts';
import type { QueryOutcome } from './query.ts';

const ZONE = {
  'both.test': { A: ['192.0.2.1', '192.0.2.2'], AAAA: ['2001:db8::1'], ttlSeconds: 7 },
  'alias.test': { CNAME: 'both.test' },
  'large.test': { A: Array.from({ length: 60 }, (_, index) => `192.0.2.${index}`), isTruncated: true },
  'servfail.test': { fault: 'SERVFAIL' },
  'refused.test': { fault: 'REFUSED' },
  'notimp.test': { fault: 'NOTIMP' },
  'silent.test': { fault: 'silent' },
} as const;

let server: FakeDnsServer;

beforeEach(async () => {
  server = await new FakeDnsServer(ZONE).start();
});

afterEach(() => server.stop());

function query(name: string, family: 4 | 6, signal = new AbortController().signal): Promise<QueryOutcome> {
  return sendQuery({ name, family, server: `127.0.0.1:${server.port}` }, signal);
}

describe('I10 one query to one DNS server', () => {
  test.each([
    ['both.test', 4, ['192.0.2.1', '192.0.2.2']],
    ['both.test', 6, ['2001:db8::1']],
    ['alias.test', 4, ['192.0.2.1', '192.0.2.2']],
    ['large.test', 4, ZONE['large.test'].A],
  ] as const)('I10 %s, IPv%d: the addresses', async (name, family, addresses) => {
    const outcome = await query(name, family);
    expect(outcome.kind === 'addresses' && outcome.records.map(({ address }) => address)).toEqual(addresses);
  });

  test('I10 addresses have the TTL of their records', async () => {
    expect(await query('both.test', 6)).toEqual({
      kind: 'addresses',
      records: [{ address: '2001:db8::1', family: 6, ttlMs: 7_000 }],
    });
  });

  test.each([
    ['alias.test', 'no-data'],
    ['missing.test', 'no-name'],
    [`${'x'.repeat(64)}.test`, 'no-name'],
    ['servfail.test', 'server-failed'],
    ['refused.test', 'server-failed'],
    ['notimp.test', 'server-failed'],
  ])('I10 %s: %s', async (name, kind) => {
    server.zone = { ...ZONE, 'both.test': {} };
    expect(await query(name, 6)).toEqual({ kind });
  });

  test('I10 a server without a listener gives no answer', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    await once(socket, 'close');
    const outcome = await sendQuery(
      { name: 'both.test', family: 4, server: `127.0.0.1:${port}` },
      new AbortController().signal,
    );
    expect(outcome).toEqual({ kind: 'no-answer' });
  });

  test('I10 the signal cancels a query without an answer', async () => {
    const controller = new AbortController();
    const outcome = query('silent.test', 4, controller.signal);
    controller.abort();
    expect(await outcome).toEqual({ kind: 'no-answer' });
    expect(await query('both.test', 4, controller.signal)).toEqual({ kind: 'no-answer' });
  });
});

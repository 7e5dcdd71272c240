import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { Inspection } from '@archpolicy/core';
import { createInspector } from '../create-inspector.ts';
import { fixedRegistries } from '../config/registries-file.ts';
import { parseRegistries, Registries } from '../config/registries.ts';
import type { Resolve } from './connector.ts';
import { createManualClock } from '../fixtures/clocks.ts';

const clock = createManualClock();

let registry: FakeRegistry;

beforeEach(async () => {
  registry = await new FakeRegistry().start();
  registry.push('app', 'v1', multiPlatformImage(['linux/arm64']));
});

afterEach(() => registry.stop());

/** Creates a resolver that returns the addresses of the table by name, one answer per call. */
function resolver(table: Readonly<Record<string, readonly (readonly string[])[]>>): Resolve {
  const calls = new Map<string, number>();
  return (hostname, _, callback) => {
    const answers = table[hostname] ?? [[]];
    const call = calls.get(hostname) ?? 0;
    calls.set(hostname, call + 1);
    const addresses = answers[Math.min(call, answers.length - 1)] ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
}

async function inspect(host: string, file: string, resolve?: Resolve): Promise<Inspection> {
  const registries = fixedRegistries(new Registries(parseRegistries(file)));
  const inspector = createInspector({ clock, registries, ...(resolve === undefined ? {} : { resolve }) });
  try {
    return await inspector.inspect({ reference: `${host}/app:v1`, budgetMs: 5_000 });
  } finally {
    await inspector.close();
  }
}

const plain = (host: string, allow = '[]'): string =>
  `registries: [{host: "${host}", plainHttp: true, allowAddresses: ${allow}}]`;
const blocked = { kind: 'unresolved', reason: 'Blocked' };

describe('I8 P6 the address guard when connecting', () => {
  test.each([
    ['127.0.0.1', 'Blocked'],
    ['127.1', 'Blocked'],
    ['2130706433', 'Blocked'],
    ['0x7f.1', 'Blocked'],
    ['0177.0.0.1', 'Blocked'],
    ['0.0.0.0', 'Blocked'],
    ['[::1]', 'Blocked'],
    ['[64:ff9b::7f00:1]', 'Blocked'],
    ['[::ffff:7f00:1]', 'Blocked'],
    ['[::ffff:127.0.0.1]', 'InvalidReference'],
  ])('P6 the literal %s is %s', async (host, reason) => {
    expect(await inspect(`${host}:${registry.port}`, 'registries: []')).toMatchObject({ kind: 'unresolved', reason });
    expect(registry.requests).toEqual([]);
  });

  test('I8 a name that resolves to loopback is refused', async () => {
    const host = `evil.example:${registry.port}`;
    expect(await inspect(host, plain(host), resolver({ 'evil.example': [['127.0.0.1']] }))).toMatchObject(blocked);
    expect(registry.requests).toEqual([]);
  });

  test('I8 only the allowed addresses of a dual-stack name are tried', async () => {
    const host = `dual.example:${registry.port}`;
    const names = resolver({ 'dual.example': [['::1', '169.254.169.254', '64:ff9b::7f00:1', '127.0.0.1']] });
    expect(await inspect(host, plain(host), names)).toMatchObject(blocked);
    expect(await inspect(host, plain(host, '[127.0.0.0/8]'), names)).toMatchObject({ kind: 'resolved' });
  });

  test('P6 the addresses of a name are checked at each connection', async () => {
    const host = `rebind.example:${registry.port}`;
    const resolve = resolver({ 'rebind.example': [['127.0.0.1'], ['127.0.0.2']] });
    const registries = fixedRegistries(new Registries(parseRegistries(plain(host, '[127.0.0.1/32]'))));
    const inspector = createInspector({ clock, registries, resolve });
    registry.fault = () => ({ kind: 'answer', status: 404, headers: { connection: 'close' } });
    expect(await inspector.inspect({ reference: `${host}/app:v1`, budgetMs: 5_000 })).toMatchObject({
      reason: 'NotFound',
    });
    expect(await inspector.inspect({ reference: `${host}/app:v2`, budgetMs: 5_000 })).toMatchObject(blocked);
    expect(registry.requests).toHaveLength(1);
    await inspector.close();
  });

  test('I8 a redirect to a refused address is not followed', async () => {
    const target = await new FakeRegistry().start();
    const hosts = `registries:
      - {host: "127.0.0.1:${registry.port}", plainHttp: true, allowAddresses: [127.0.0.0/8]}
      - {host: "127.0.0.1:${target.port}", plainHttp: true}`;
    registry.fault = ({ path }) => ({
      kind: 'answer',
      status: 307,
      headers: { location: `http://${target.host}${path}` },
    });
    expect(await inspect(registry.host, hosts)).toMatchObject(blocked);
    expect(target.requests).toEqual([]);
    await target.stop();
  });

  test('I8 loopback is allowed for a host by the registries file', async () => {
    expect(await inspect(registry.host, plain('127.0.0.1:*', '[127.0.0.0/8]'))).toMatchObject({ kind: 'resolved' });
  });
});

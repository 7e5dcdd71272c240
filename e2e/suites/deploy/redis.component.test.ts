import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort, WatchedProcess } from '@archpolicy/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../../..');

interface Deployment {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          {
            readonly command: readonly [string];
            readonly args: readonly string[];
            readonly resources: { readonly limits: { readonly memory: string } };
          },
        ];
      };
    };
  };
}

const objects = parseAllDocuments(readFileSync(join(ROOT, 'deploy/components/redis/redis.yaml'), 'utf8')).map(
  (document) => document.toJS() as Deployment,
);
const [container] = objects.find(({ kind }) => kind === 'Deployment')!.spec.template.spec.containers;

/** The password of the Secret is URL-safe base64, so it may begin with the characters of an option. */
const PASSWORD = '--secret-password_of-the-shared-cache-0123456789';
let server: WatchedProcess;
let port: number;

/** Sends commands over one connection, and returns the replies. */
async function send(...commands: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${[...commands, 'QUIT'].join('\r\n')}\r\n`);
  return text(socket);
}

beforeAll(async () => {
  port = await freePort();
  const args = container.args.map((arg) => arg.replace('$(REDIS_PASSWORD)', PASSWORD));
  server = await WatchedProcess.start({
    command: container.command[0],
    args: () => ['--port', String(port), '--bind', '127.0.0.1', ...args],
    ready: 'Ready to accept connections',
  });
});

afterAll(() => server.stop());

describe('the component redis', () => {
  test('K6 requires the password, and allows only the keys of ArchPolicy', async () => {
    expect(await send('PING')).toContain('-NOAUTH');
    const replies = await send(
      `AUTH ${PASSWORD}`,
      'SET archpolicy:key value',
      'GET archpolicy:key',
      'SET other value',
      'CONFIG GET requirepass',
      'FLUSHALL',
    );
    expect(replies.split('\r\n').map((line) => line.split(' ')[0])).toEqual([
      ...['+OK', '+OK', '$5', 'value'],
      ...['-NOPERM', '-NOPERM', '-NOPERM', '+OK', ''],
    ]);
  });

  test('K7 evicts entries before the pod reaches its memory limit', async () => {
    const info = await send(`AUTH ${PASSWORD}`, 'INFO memory');
    expect(info).toContain('maxmemory_policy:allkeys-lru');
    const maxMemory = Number(/^maxmemory:(\d+)/mu.exec(info)?.[1]);
    const limit = Number(/^(\d+)Mi$/u.exec(container.resources.limits.memory)?.[1]) * 1024 * 1024;
    expect(maxMemory).toBeGreaterThan(130_000_000);
    expect(limit / maxMemory).toBeGreaterThanOrEqual(1.5);
  });

  test('allows exactly the commands that docs/redis.md lists', () => {
    const page = readFileSync(join(ROOT, 'docs/redis.md'), 'utf8');
    const [, list = ''] = /An ACL user needs these commands(.*?)At a Sentinel/su.exec(page) ?? [];
    const documented = [...list.matchAll(/`([a-z]+)`/gu)].map(([, command = '']) => `+${command}`);
    expect(container.args.filter((arg) => arg.startsWith('+')).toSorted()).toEqual(documented.toSorted());
  });
});

import { afterEach, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { RedisCluster } from './redis-cluster.ts';
import { RedisSentinel } from './redis-sentinel.ts';
import { RedisNode } from './redis-node.ts';

const started: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start<T extends { start(): Promise<T>; stop(): Promise<void> }>(one: T): Promise<T> {
  started.push(one);
  return one.start();
}

describe('a redis-server for tests', () => {
  test('stores and flushes keys, and can be read-only', async () => {
    const server = await start(new RedisNode());
    await server.command('SET', 'a', '1', 'PX', 60_000);
    await server.command('SET', 'b', '1');
    const keys = await server.keys();
    expect([...keys.keys()].sort()).toEqual(['a', 'b']);
    expect(keys.get('a')).toBeGreaterThan(0);
    expect(keys.get('b')).toBe(-1);
    await server.readOnly();
    await expect(server.command('SET', 'c', '1')).rejects.toThrow('READONLY');
    expect(await server.command('GET', 'a')).toBe('1');
    await server.readWrite();
    await server.flush();
    expect((await server.keys()).size).toBe(0);
  });

  test('restarts on its port, empty, and leaves no files', async () => {
    const server = await start(new RedisNode({ password: 'p@ss:word/%' }));
    const { port, url } = server;
    expect(url).toBe(`redis://:p%40ss%3Aword%2F%25@127.0.0.1:${port}`);
    await server.command('SET', 'a', '1');
    await server.stop();
    await expect(server.command('GET', 'a')).rejects.toThrow();
    await server.start();
    expect(server.port).toBe(port);
    expect(await server.command('GET', 'a')).toBeNull();
    const [, directory] = (await server.command('CONFIG', 'GET', 'dir')) as readonly string[];
    expect(existsSync(directory ?? '')).toBe(true);
    await server.stop();
    expect(existsSync(directory ?? '')).toBe(false);
  });

  test('throws the reason of a failed start', async () => {
    await expect(start(new RedisNode({ args: ['--no-such-setting', '1'] }))).rejects.toThrow('no-such-setting');
  });

  test('pauses and resumes', async () => {
    const server = await start(new RedisNode());
    server.pause();
    const answer = server.command('PING');
    const silence = new Promise((resolve) => setTimeout(resolve, 50, 'silence'));
    expect(await Promise.race([answer, silence])).toBe('silence');
    server.resume();
    expect(await answer).toBe('PONG');
  });

  test('runs a Cluster of three nodes', async () => {
    const cluster = await start(new RedisCluster());
    const answers = await Promise.all(
      cluster.nodes.map((node) => node.command('SET', 'a', '1').catch((error: unknown) => String(error))),
    );
    expect(answers.filter((answer) => answer === 'OK')).toHaveLength(1);
    expect(answers.filter((answer) => String(answer).includes('MOVED'))).toHaveLength(2);
    await cluster.flush();
    expect((await cluster.keys()).size).toBe(0);
  });

  test('fails over on demand', async () => {
    const sentinel = await start(new RedisSentinel());
    const first = await sentinel.primary();
    await first.command('SET', 'a', '1');
    await first.command('WAIT', 1, 0);
    await sentinel.failOver();
    const second = await sentinel.primary();
    expect(second).not.toBe(first);
    expect(await second.command('GET', 'a')).toBe('1');
    await expect(first.command('SET', 'a', '2')).rejects.toThrow('READONLY');
  }, 60_000);

  test('fails over after a crash', async () => {
    const sentinel = await start(new RedisSentinel());
    const first = await sentinel.primary();
    await sentinel.crashPrimary();
    const second = await sentinel.primary();
    expect(second).not.toBe(first);
    expect(await second.command('SET', 'a', '1')).toBe('OK');
  }, 60_000);
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_METRICS } from '../metrics.ts';
import { NO_LOGGER } from '../logger.ts';
import { WatchedRegistries } from './watched-registries.ts';
import { createManualClock } from '../fixtures/clocks.ts';

let directory: string;
let path: string;
let events: string[];
/** The times of reads without a problem. */
let validAt: number[];

const clock = createManualClock();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-registries-'));
  path = join(directory, 'registries.yaml');
  events = [];
  validAt = [];
});

afterEach(() => rm(directory, { recursive: true }));

const note = (_: object, message: string): void => void events.push(message);
const open = (): Promise<WatchedRegistries> =>
  WatchedRegistries.open({
    path,
    clock,
    logger: { ...NO_LOGGER, info: note, error: note },
    metrics: {
      ...NO_METRICS,
      registriesFile: ({ outcome }) => void events.push(outcome),
      registriesFileValid: (atMs) => void validAt.push(atMs),
    },
  });

const blocks = (watched: WatchedRegistries, host: string): boolean | undefined =>
  watched.current().entryFor(host)?.blocked;

describe('I7 hot reload', () => {
  test('I7 a changed file takes effect, an unchanged one is not loaded', async () => {
    await writeFile(path, 'registries: [{host: a.example, blocked: true}]');
    const watched = await open();
    expect(blocks(watched, 'a.example')).toBe(true);
    await watched.reload();
    expect(events).toEqual([]);
    await writeFile(path, 'registries: [{host: b.example, blocked: true}]');
    await watched.reload();
    expect([blocks(watched, 'a.example'), blocks(watched, 'b.example')]).toEqual([undefined, true]);
    expect(events).toEqual(['loaded', 'registries file loaded']);
  });

  test('I7 the time of the last valid read moves on with an unchanged file, and not with an invalid one', async () => {
    await writeFile(path, 'registries: [{host: a.example}]');
    const watched = await open();
    clock.nowMs += 10_000;
    await watched.reload();
    await writeFile(path, 'registries: 7');
    clock.nowMs += 10_000;
    await watched.reload();
    const startedAtMs = clock.nowMs - 20_000;
    expect(validAt.map((atMs) => atMs - startedAtMs)).toEqual([0, 10_000]);
  });

  test('I7 a changed credentials file takes effect with an unchanged registries file', async () => {
    const credentialsFile = join(directory, 'config.json');
    await writeFile(credentialsFile, 'first');
    await writeFile(path, `registries: [{host: a.example, credentialsFile: ${credentialsFile}}]`);
    const watched = await open();
    await writeFile(credentialsFile, 'second');
    await watched.reload();
    expect(watched.current().file(credentialsFile)).toBe('second');
  });

  test.each([
    ['does not follow the schema', 'registries: 7'],
    ['names a file that does not exist', 'dockerConfigFile: /nonexistent'],
    ['is too large', ' '.repeat(1024 * 1024 + 1)],
  ])('I7 a file that %s is rejected, logged once, and the previous one stays in use', async (_, text) => {
    await writeFile(path, 'registries: [{host: a.example, blocked: true}]');
    const watched = await open();
    await writeFile(path, text);
    await watched.reload();
    await watched.reload();
    expect(blocks(watched, 'a.example')).toBe(true);
    expect(events).toEqual(['refused', 'registries file rejected, using the last valid one', 'refused']);
  });

  test('I7 an invalid file at the start is an error', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'RegistriesFile' });
  });

  test('I7 polling ends when the signal aborts', async () => {
    await writeFile(path, '');
    const watched = await open();
    const stop = new AbortController();
    const running = watched.run(stop.signal);
    stop.abort();
    await running;
  });
});

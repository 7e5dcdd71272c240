import { describe, expect, test } from '@jest/globals';
import { LineLimits } from './line-limits.ts';
import type { Subject } from './line-limits.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const subject = (host: string, more: Partial<Subject> = {}): Subject => ({
  ...{ host, kind: 'dns', isNamed: false, tenant: 'shop' },
  ...more,
});

/** Decides on many subjects at the same time. Returns the number of lines. */
const countLines = (limits: LineLimits, subjects: readonly Subject[], nowMs: number): number =>
  subjects.filter((each) => limits.decide(each, nowMs).kind === 'write').length;

const hosts = (count: number, more: Partial<Subject> = {}): readonly Subject[] =>
  Array.from({ length: count }, (_, index) => subject(`${index}.example`, more));

describe('I11 lines about one host', () => {
  test('I11 the same cause gets a line once in ten minutes, with the number of repetitions', () => {
    const limits = new LineLimits(0);
    const decide = (nowMs: number): object => limits.decide(subject('a.example'), nowMs);
    expect(decide(0)).toEqual({ kind: 'write', repeated: 0, suppressed: 0 });
    expect([decide(1), decide(10 * MINUTE - 1)]).toEqual([{ kind: 'suppress' }, { kind: 'suppress' }]);
    expect(decide(10 * MINUTE)).toEqual({ kind: 'write', repeated: 2, suppressed: 0 });
    expect(decide(10 * MINUTE + 1)).toEqual({ kind: 'suppress' });
    expect(decide(20 * MINUTE)).toEqual({ kind: 'write', repeated: 1, suppressed: 0 });
  });

  test('I11 another cause gets a line at once', () => {
    const limits = new LineLimits(0);
    const kinds = ['dns', 'tls', 'dns', 'unauthorized', 'tls'].map(
      (kind) => limits.decide(subject('a', { kind }), 0).kind,
    );
    expect(kinds).toEqual(['write', 'write', 'suppress', 'write', 'suppress']);
  });
});

describe('I11 lines about all hosts', () => {
  test('I11 one namespace gets 10 lines at once, then 6 a minute', () => {
    const limits = new LineLimits(0);
    expect(countLines(limits, hosts(5_000), 0)).toBe(10);
    expect(countLines(limits, hosts(5_000), MINUTE)).toBe(6);
  });

  test('I11 all namespaces together get 30 lines at once, then 30 a minute', () => {
    const limits = new LineLimits(0);
    const all = (from: number): readonly Subject[] =>
      Array.from({ length: 5_000 }, (_, index) => subject(`${from + index}.example`, { tenant: `tenant-${index}` }));
    expect(countLines(limits, all(0), 0)).toBe(30);
    expect(countLines(limits, all(5_000), MINUTE)).toBe(30);
  });

  test('I11 the next line has the number of failures that got none because of the total', () => {
    const limits = new LineLimits(0);
    countLines(limits, hosts(110), 0);
    expect(limits.decide(subject('other.example'), HOUR)).toEqual({ kind: 'write', repeated: 0, suppressed: 100 });
    expect(limits.decide(subject('next.example'), HOUR)).toEqual({ kind: 'write', repeated: 0, suppressed: 0 });
  });

  test('P4 a namespace with many hosts takes no line from another namespace, nor from the hosts of the registries file', () => {
    const limits = new LineLimits(0);
    countLines(limits, hosts(5_000, { tenant: 'evil' }), 0);
    expect(limits.decide(subject('a.example'), 0).kind).toBe('write');
    const all = Array.from({ length: 100 }, (_, index) =>
      hosts(100, { tenant: `evil-${index}`, kind: `${index}` }),
    ).flat();
    countLines(limits, all, 0);
    expect(limits.decide(subject('named.example', { isNamed: true, tenant: 'evil' }), 0).kind).toBe('write');
    // It is not evicted by the other hosts, so it gets no second line.
    expect(limits.decide(subject('named.example', { isNamed: true }), 1).kind).toBe('suppress');
  });

  test('I11 the hosts of the registries file get 60 lines at once, then one a second', () => {
    const limits = new LineLimits(0);
    expect(countLines(limits, hosts(5_000, { isNamed: true }), 0)).toBe(60);
    expect(countLines(limits, hosts(5_000, { isNamed: true }), 10_000)).toBe(10);
  });

  test('I11 a failure that got no line because of the total gets one as soon as the total allows it', () => {
    const limits = new LineLimits(0);
    countLines(limits, hosts(10), 0);
    expect(limits.decide(subject('a.example'), 0).kind).toBe('suppress');
    expect(limits.decide(subject('a.example'), MINUTE).kind).toBe('write');
  });
});

import { describe, expect, test } from '@jest/globals';
import type { ContainerEvidence, TerminatedEvidence } from '../kubernetes/facts.ts';
import { earlierRestartsAgoMs, unreadyForMs } from './crashes-in-status.ts';

/** Seconds before the present, as epoch milliseconds. */
const NOW = Date.UTC(2026, 0, 1);
const ago = (seconds: number): number => NOW - seconds * 1_000;

/** A run that began and ended this many seconds ago. */
const run = (began: number, ended: number, exitCode = 1): TerminatedEvidence => ({
  ...{ reason: 'Error', exitCode, message: '' },
  ...{ seconds: began - ended, finishedAtMs: ago(ended) },
});
const waiting = { reason: 'CrashLoopBackOff', message: '' };
const container = (restartCount: number, changes: Partial<ContainerEvidence>): ContainerEvidence => ({
  ...{ name: 'main', image: 'i', ready: false, running: false, restartCount },
  ...changes,
});
const since = (seconds: number): Partial<ContainerEvidence> => ({ running: true, runningSinceMs: ago(seconds) });
const untimed = { reason: 'StartError', exitCode: 128, message: '' };

const born = { createdAtMs: ago(90_000) };
const pod = (readyFor: number, containers: readonly ContainerEvidence[], value = false) => ({
  ...{ ...born, containers, ready: { value, sinceMs: ago(readyFor) } },
});

describe('R10 restarts that the status before a restart shows', () => {
  // prettier-ignore
  test.each<[string, ContainerEvidence, readonly number[], string]>([
    ['R10 it has never restarted', container(0, since(600)), [], 'its start is no restart'],
    ['R10 its first run has ended', container(0, { terminated: run(600, 5) }), [], 'it has not been restarted yet'],
    ['R10 its first run has ended, and it waits', container(0, { waiting, lastTerminated: run(600, 5) }), [], 'the same'],
    ['R10 it has restarted once, and runs', container(1, { ...since(60), lastTerminated: run(600, 70) }), [60], 'the run before was its first'],
    ['R10 it has restarted twice, and runs', container(2, { ...since(60), lastTerminated: run(600, 70) }), [600, 60], 'both of its last runs began with a restart'],
    ['R10 it has restarted twice, and its last run has ended', container(2, { terminated: run(60, 50), lastTerminated: run(600, 70) }), [600, 60], 'the same'],
    ['R10 it has restarted nine times, and waits', container(9, { waiting, lastTerminated: run(60, 50) }), [60], 'the times of the others are not known'],
    ['R10 it never started', container(3, { waiting, lastTerminated: untimed }), [], 'it has no times'],
    ['R10 it runs, and its last run never started', container(3, { ...since(60), lastTerminated: untimed }), [60], 'the present run has one'],
  ])('%s: %j', (_, status, seconds) => {
    const expected = seconds.map((count) => count * 1_000);
    const [unready, restarted] = [pod(600, [status]), container(status.restartCount + 1, since(0))];
    expect(earlierRestartsAgoMs(unready, pod(600, [restarted]), 'main')).toEqual(expected);
    // The times of a Ready pod's containers are not stored: the time of its condition is that of the restart.
    expect(earlierRestartsAgoMs(unready, pod(0, [container(9, { running: true })], true), 'main')).toEqual(expected);
  });

  test('R10 a container that the status before does not list shows none', () => {
    expect(earlierRestartsAgoMs(pod(600, []), pod(600, [container(1, since(0))]), 'main')).toEqual([]);
  });
});

describe('R10 for how long a pod has certainly not been Ready for ten seconds', () => {
  // prettier-ignore
  test.each<[string, number, readonly ContainerEvidence[], number, string]>([
    ['R10 a readiness probe that fails', 1_200, [container(0, since(3_600))], 1_200, 'the condition shows it'],
    ['R10 a crash loop with a readiness probe', 1_200, [container(9, { waiting, lastTerminated: run(60, 59) })], 1_200, 'the condition never turned True'],
    ['R10 a crash loop without one, waiting', 59, [container(9, { waiting, lastTerminated: run(60, 59) })], 60, 'it was Ready for a moment at each restart'],
    ['R10 a crash loop without one, its run just ended', 1, [container(9, { terminated: run(2, 1), lastTerminated: run(305, 304) })], 305, 'the run before was as short'],
    ['R10 a crash loop without one, its run began after it was not Ready', 304, [container(9, { ...since(3), lastTerminated: run(305, 304) })], 305, 'the present run has not made it Ready'],
    ['R10 its run made it Ready for nine seconds', 11, [container(9, { ...since(20), lastTerminated: run(305, 304) })], 305, 'that was too short'],
    ['R10 its run made it Ready for ten seconds, perhaps', 10, [container(9, { ...since(20), lastTerminated: run(305, 304) })], 10, 'it may have been Ready until then'],
    ['R10 its last run took ten seconds', 50, [container(9, { waiting, lastTerminated: run(60, 50) })], 50, 'it may have been Ready in it'],
    ['R10 its last run took ten seconds, and the one before a second', 50, [container(9, { terminated: run(60, 50), lastTerminated: run(305, 304) })], 50, 'the same'],
    ['R10 an init container that succeeded at once', 50, [container(0, { name: 'setup', terminated: run(9_000, 8_999, 0) }), container(0, since(60))], 50, 'after that the pod was Ready'],
    ['R10 an init container that is retried', 50, [container(3, { name: 'setup', waiting, lastTerminated: run(61, 60) }), container(0, { waiting })], 61, 'no other container has run since then'],
    ['R10 a sidecar that fails beside an application that runs', 59, [container(0, since(3_600)), container(9, { name: 'proxy', waiting, lastTerminated: run(60, 59) })], 60, 'a pod is not Ready while one of its containers is not'],
    ['R10 it never started', 59, [container(9, { waiting, lastTerminated: untimed })], 59, 'it has no times'],
  ])('%s (for %d s)', (_, notReady, containers, expected) => {
    // The latest time in the status is the present: a sidecar has just started.
    const latest = container(1, { name: 'other', ...since(0) });
    expect(unreadyForMs(pod(notReady, [...containers, latest]))).toBe(expected * 1_000);
  });

  test.each<[string, number, readonly ContainerEvidence[], number]>([
    ['R10 the start of its present run', 1_200, [container(9, { ...since(60), lastTerminated: run(365, 364) })], 1_140],
    ['R10 the end of its present run', 1_200, [container(9, { terminated: run(60, 50) })], 1_150],
    ['R10 the end of its last run', 1_200, [container(9, { waiting, lastTerminated: run(60, 50) })], 1_150],
    ['R10 the condition', 40, [container(9, { waiting, lastTerminated: run(60, 55) })], 20],
  ])(
    'R10 the time ends at the latest time in the status, not at the present: %s',
    (_, notReady, containers, expected) => {
      expect(unreadyForMs(pod(notReady, containers))).toBe(expected * 1_000);
    },
  );

  test('R10 a condition without a time shows nothing: its time is that of the creation, by another clock', () => {
    const containers = [container(9, { waiting, lastTerminated: run(60, 50) })];
    expect(unreadyForMs({ ...pod(90_000, containers) })).toBe(0);
    expect(unreadyForMs({ ...pod(90_000, [container(9, { terminated: run(2, 1) })]) })).toBe(1_000);
  });
});

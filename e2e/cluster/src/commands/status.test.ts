import { describe, expect, test } from '@jest/globals';
import { describe as describeStatus } from './status.ts';

const running = (name: 'etcd' | 'kube-apiserver', pid: number) => ({
  name,
  pid,
  ports: [20001, 20002],
  since: '2026-01-02T03:04:05Z',
});

describe('make status', () => {
  test('lists running components', () => {
    const { isRunning, text } = describeStatus({
      target: 'api-server',
      components: [running('etcd', 11), running('kube-apiserver', 222)],
    });
    expect(isRunning).toBe(true);
    expect(text.split('\n')).toEqual([
      'COMPONENT       PID  PORTS        STATE',
      'etcd            11   20001,20002  running since 2026-01-02T03:04:05Z',
      'kube-apiserver  222  20001,20002  running since 2026-01-02T03:04:05Z',
    ]);
  });

  test('lists components that have ended or are missing', () => {
    const { isRunning, text } = describeStatus({
      target: 'api-server',
      components: [{ ...running('etcd', 11), exit: 'signal SIGKILL' }],
    });
    expect(isRunning).toBe(false);
    expect(text).toMatch(/etcd .*ended: signal SIGKILL\nkube-apiserver .*not started/);
  });

  test('is not running while the start is unfinished', () => {
    expect(describeStatus({ target: null, components: [running('etcd', 11)] }).isRunning).toBe(false);
  });
});

import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { LoggedHostProblems } from './host-problems.ts';

/** Problems with their log lines, each as `host problem`. */
class Rig {
  readonly lines: string[] = [];
  readonly clock = new FakeClock();
  readonly problems: LoggedHostProblems;

  constructor() {
    const warn = (fields: Readonly<Record<string, unknown>>): void => {
      this.lines.push(`${String(fields['host'])} ${String(fields['problem'])}`);
    };
    this.problems = new LoggedHostProblems({ warn }, this.clock);
  }
}

describe('I6 problems of registries in the log', () => {
  test('I6 each problem of a host is logged once an hour', async () => {
    const rig = new Rig();
    for (let times = 0; times < 3; times += 1) {
      rig.problems.report('a.example', 'TokenServicePlainHttp');
      rig.problems.report('a.example', 'TokenServiceRedirects');
      rig.problems.report('b.example', 'TokenServicePlainHttp');
    }
    expect(rig.lines).toEqual([
      'a.example TokenServicePlainHttp',
      'a.example TokenServiceRedirects',
      'b.example TokenServicePlainHttp',
    ]);
    await rig.clock.advance(59 * 60_000);
    rig.problems.report('a.example', 'TokenServicePlainHttp');
    expect(rig.lines).toHaveLength(3);
    await rig.clock.advance(60_000);
    rig.problems.report('a.example', 'TokenServicePlainHttp');
    expect(rig.lines).toHaveLength(4);
  });

  test('I6 a tenant that names many hosts causes 20 lines, then one a minute', async () => {
    const rig = new Rig();
    for (let host = 0; host < 5_000; host += 1) rig.problems.report(`${host}.example`, 'TokenServiceUrlRelative');
    expect(rig.lines).toHaveLength(20);
    await rig.clock.advance(60_000);
    for (let host = 0; host < 5_000; host += 1) rig.problems.report(`${host}.other`, 'TokenServiceUrlRelative');
    expect(rig.lines).toHaveLength(21);
  });
});

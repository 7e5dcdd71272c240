import { describe, expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { Clock } from '@archpolicy/async';
import { commonVariables } from '../config/common.ts';
import { readConfig } from '../config/variable.ts';
import { createLogger } from '../logger.ts';
import { ShutdownHooks } from './shutdown-hooks.ts';
import { runMain } from './run-main.ts';
import type { HostProcess, RunContext } from './run-main.ts';
import { listenForShutdown } from './shutdown-signal.ts';

const silent = createLogger({ name: 'test', level: 'error', destination: { write: () => undefined } });

/** A clock whose sleeps end on `elapse`. */
const heldClock = () => {
  const held: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        held.push(resolve);
        signal?.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      }),
  };
  return {
    clock,
    elapse: () => {
      for (const resolve of held) resolve();
    },
  };
};

class FakeProcess extends EventEmitter implements HostProcess {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
  readonly written: string[] = [];
  readonly statuses: number[] = [];
  readonly stdout = { write: (text: string) => this.written.push(`out: ${text}`) };
  readonly stderr = { write: (text: string) => this.written.push(`err: ${text}`) };

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    super();
    this.argv = ['node', 'main.ts', ...args];
    this.env = env;
  }

  exit(status: number): void {
    this.statuses.push(status);
  }
}

const main = async (host: FakeProcess, run: (context: RunContext) => Promise<void> = () => Promise.resolve()) => {
  await runMain(host, {
    name: 'archpolicy-test',
    version: '1.2.3',
    help: 'Does nothing.',
    variables: commonVariables,
    run,
  });
  return host;
};

describe('runMain', () => {
  test.each([['--help'], ['-h']])('%s shows what it does and lists the variables', async (option) => {
    const { written, statuses } = await main(new FakeProcess([option]));
    expect(written.join('')).toContain('Does nothing.');
    expect(written.join('')).toContain('ARCHPOLICY_LOG_LEVEL');
    expect(written.join('')).toContain('  --version ');
    expect(statuses).toEqual([0]);
  });

  test.each([
    [{}, 'unknown'],
    [{ ARCHPOLICY_COMMIT: '1f3870b' }, '1f3870b'],
  ])('--version shows name, version and commit: %j', async (env, commit) => {
    const { written, statuses } = await main(new FakeProcess(['--version'], env));
    expect(written).toEqual([`out: archpolicy-test 1.2.3 (commit ${commit})\n`]);
    expect(statuses).toEqual([0]);
  });

  test('--version with an invalid commit ends in one line that names the variable, and status 2', async () => {
    const { written, statuses } = await main(new FakeProcess(['--version'], { ARCHPOLICY_COMMIT: 'HEAD' }));
    expect(written).toEqual([expect.stringMatching(/^err: ARCHPOLICY_COMMIT: "HEAD" .*; example: .*\n$/u)]);
    expect(statuses).toEqual([2]);
  });

  test('any other argument is rejected with status 2', async () => {
    const { written, statuses } = await main(new FakeProcess(['serve']));
    expect(written).toHaveLength(1);
    expect(statuses).toEqual([2]);
  });

  test('bad configuration ends in one line that names the variable, and status 2', async () => {
    const host = new FakeProcess([], { ARCHPOLICY_LOG_LEVEL: 'loud' });
    await main(host, ({ env }) => {
      readConfig(commonVariables, env);
      return Promise.resolve();
    });
    expect(host.written).toEqual([expect.stringMatching(/^err: ARCHPOLICY_LOG_LEVEL: .*; example: .*\n$/u)]);
    expect(host.statuses).toEqual([2]);
  });

  test('a signal aborts the run; an orderly end is status 0, also when the reason is thrown', async () => {
    const host = new FakeProcess([]);
    await main(host, async ({ signal, clock }) => {
      setImmediate(() => host.emit('SIGTERM', 'SIGTERM'));
      await clock.sleep(60_000, signal);
    });
    expect(host.statuses).toEqual([0]);
    expect(host.listenerCount('SIGTERM')).toBe(0);
  });

  test('an orderly end without any signal is status 0', async () => {
    expect((await main(new FakeProcess([]))).statuses).toEqual([0]);
  });
});

describe('listenForShutdown', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('a second %s ends at once with status %d', (name, status) => {
    const source = new EventEmitter();
    const ended: number[] = [];
    const { signal } = listenForShutdown(source, (value) => ended.push(value));
    source.emit(name, name);
    expect([signal.aborted, ended]).toEqual([true, []]);
    source.emit(name, name);
    expect(ended).toEqual([status]);
  });
});

describe('ShutdownHooks', () => {
  test('close in the reverse order of opening, once', async () => {
    const order: string[] = [];
    const hooks = new ShutdownHooks({ clock: heldClock().clock, logger: silent });
    for (const name of ['first', 'second', 'third']) hooks.add(name, () => void order.push(name));
    await hooks.closeAll(1000);
    await hooks.closeAll(1000);
    expect(order).toEqual(['third', 'second', 'first']);
  });

  test('a hook that fails does not prevent the next ones', async () => {
    const order: string[] = [];
    const hooks = new ShutdownHooks({ clock: heldClock().clock, logger: silent });
    hooks.add('good', () => void order.push('good'));
    hooks.add('throws', () => {
      throw new Error('no');
    });
    hooks.add('rejects', () => Promise.reject(new Error('no')));
    await hooks.closeAll(1000);
    expect(order).toEqual(['good']);
  });

  test('after the deadline, one that closes immediately is no failure', async () => {
    const { clock, elapse } = heldClock();
    const messages: string[] = [];
    const destination = { write: (line: string) => messages.push(line) };
    const hooks = new ShutdownHooks({ clock, logger: createLogger({ name: 'test', level: 'warn', destination }) });
    hooks.add('immediately', () => Promise.resolve());
    hooks.add('hangs', () => {
      setImmediate(elapse);
      return new Promise(() => undefined);
    });
    await hooks.closeAll(1000);
    expect(messages).toEqual([expect.stringContaining('"closing":"hangs"')]);
  });

  test('a hook that hangs is aborted and abandoned at the deadline', async () => {
    const { clock, elapse } = heldClock();
    const hooks = new ShutdownHooks({ clock, logger: silent });
    const order: string[] = [];
    hooks.add('after it', () => void order.push('after it'));
    hooks.add('hangs', async (signal) => {
      signal.addEventListener('abort', () => order.push('told'));
      setImmediate(elapse);
      await new Promise(() => undefined);
    });
    await hooks.closeAll(1000);
    expect(order).toEqual(['told', 'after it']);
  });
});

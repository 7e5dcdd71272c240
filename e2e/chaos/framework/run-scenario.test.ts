import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFaultResults, storeFaultResult } from '@archpolicy/testkit';
import type { Observation } from '@archpolicy/testkit';
import { scenarios } from '../scenarios.ts';
import { chooseScenarios } from './choose.ts';
import { atLeast, atMost, exactly, figure, holds, same } from './observations.ts';
import { runScenario } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { SharedCluster } from '../cluster/shared-cluster.ts';

const ignore = (): void => undefined;
const scenario = (id: string, run: Scenario['run']): Scenario => ({
  ...{ id, title: 'a fault', rule: 'P1', bar: 'nothing fails', done: 'nothing' },
  run,
});
const run = (steps: Scenario['run']): ReturnType<typeof runScenario> =>
  runScenario(scenario('F7', steps), new SharedCluster(ignore), ignore);
const see = (...observations: readonly Observation[]): Scenario['run'] => {
  return () => Promise.resolve(observations);
};

describe('a scenario', () => {
  test('holds if all of its observations hold', async () => {
    const { held, observations } = await run(see(exactly('failures', 0, 0), figure('reviews', 100)));
    expect([held, observations.map(({ value }) => value)]).toEqual([true, ['0', '100']]);
  });

  test.each([
    ['a bar is missed', see(atMost('failures', 1, 0))],
    ['a figure was not seen', see(atLeast('reviews', Number.NaN, 1))],
    ['nothing was observed', see()],
  ] satisfies [string, Scenario['run']][])('does not hold if %s', async (_, steps) => {
    expect((await run(steps)).held).toBe(false);
  });

  test('does not hold after an error, and its first line is the problem', async () => {
    const result = await run(() => Promise.reject(new Error('waited 60 s for a pod\nlog')));
    expect(result).toMatchObject({ held: false, problem: 'waited 60 s for a pod', observations: [] });
  });

  test('does not hold after a failed clean-up; the other clean-ups run, the last one first', async () => {
    const ran: string[] = [];
    const result = await run(({ cleanUp }) => {
      cleanUp(() => Promise.resolve(ran.push('first')));
      cleanUp(() => Promise.reject(new Error('still running')));
      cleanUp(() => Promise.resolve(ran.push('last')));
      return Promise.resolve([holds('it works', true)]);
    });
    expect(ran).toEqual(['last', 'first']);
    expect(result).toMatchObject({ held: false, problem: 'clean-up: still running' });
  });
});

describe('observations', () => {
  test.each([
    [atMost('x', 2, 2, 's'), { value: '2 s', bar: 'at most 2 s', held: true }],
    [atMost('x', 2.3456, 2), { value: '2.35', held: false }],
    [atLeast('x', 1, 2), { bar: 'at least 2', held: false }],
    [exactly('x', 1, 2), { bar: 'exactly 2', held: false }],
    [exactly('x', Number.NaN, 0), { value: 'not seen', held: false }],
    [holds('x', false), { value: 'no', bar: 'yes', held: false }],
    [same('codes', '201', '201'), { value: '201', held: true }],
    [same('codes', '', '201'), { value: 'none', held: false }],
  ])('%j', (observation, expected) => {
    expect(observation).toMatchObject(expected);
  });
});

describe('the choice of scenarios', () => {
  const all = ['F1', 'F2', 'F3'].map((id) => scenario(id, see()));

  test('ROWS selects by id, in the order of the fault model', () => {
    expect(chooseScenarios(all, 'F3, F1').map(({ id }) => id)).toEqual(['F1', 'F3']);
    expect(chooseScenarios(all, '')).toBe(all);
  });

  test('an id without a scenario is an error', () => {
    expect(() => chooseScenarios(all, 'F1,F9')).toThrow('no scenario F9; there are F1, F2, F3');
  });
});

describe('the fault model', () => {
  test('has each scenario once, in order', () => {
    const numbers = scenarios.map(({ id }) => Number(id.slice(1)));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });
});

describe('stored results', () => {
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'archpolicy-results-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('a new result replaces that of the same fault, and the others stay, by number', async () => {
    const file = join(directory, 'results.json');
    const result = await run(see(holds('it works', true)));
    for (const id of ['F10', 'F9', 'F10']) await storeFaultResult(file, { ...result, id });
    expect((await readFaultResults(file)).map(({ id }) => id)).toEqual(['F9', 'F10']);
  });
});

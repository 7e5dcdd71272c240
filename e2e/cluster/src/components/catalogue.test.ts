import { describe, expect, test } from '@jest/globals';
import { runInOrder, targets, listUnits } from './catalogue.ts';
import type { Unit } from '../component/component.ts';

const task = (name: 'kubeconfig' | 'nodes' | 'nodes-ready', needs: Unit['needs']): Unit => ({
  kind: 'task',
  name,
  needs,
  run: () => Promise.resolve(),
});

describe('the units of a cluster', () => {
  test.each(targets)('of target %s need only units of that target', (target) => {
    const names = new Set(listUnits(target).map(({ name }) => name));
    const needed = listUnits(target).flatMap(({ needs }) => needs);
    expect(needed.filter((name) => !names.has(name))).toEqual([]);
  });

  test('run after the units that they need, in any order of the list', async () => {
    const order: string[] = [];
    const units = [task('nodes-ready', ['nodes']), task('nodes', ['kubeconfig']), task('kubeconfig', [])];
    await runInOrder(units, ({ name }) => {
      order.push(name);
      return Promise.resolve();
    });
    expect(order).toEqual(['kubeconfig', 'nodes', 'nodes-ready']);
  });

  test('do not run after a failed unit, whose error is thrown', async () => {
    const ran: string[] = [];
    const units = [task('kubeconfig', []), task('nodes', ['kubeconfig'])];
    const run = ({ name }: Unit): Promise<void> => {
      ran.push(name);
      return Promise.reject(new Error(`${name} is broken`));
    };
    await expect(runInOrder(units, run)).rejects.toThrow('kubeconfig is broken');
    expect(ran).toEqual(['kubeconfig']);
  });
});

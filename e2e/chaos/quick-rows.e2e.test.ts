import { afterAll, describe, expect, test } from '@jest/globals';
import { START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import { SharedCluster } from './cluster/shared-cluster.ts';
import { runScenario } from './framework/run-scenario.ts';
import { redisPoisoned } from './rows/f10-redis-poisoned.ts';
import { pullSecrets } from './rows/f33-pull-secrets.ts';

/** The scenarios that take less than 10 s. */
const QUICK = [redisPoisoned, pullSecrets];

const shared = new SharedCluster(() => undefined);

afterAll(() => shared.stop(), START_TIMEOUT_MILLISECONDS);

describe('scenarios of the fault model that take seconds', () => {
  test.each(QUICK.map((scenario) => [scenario.rule.replaceAll(',', ''), scenario.id, scenario] as const))(
    '%s %s holds',
    async (_rule, _id, scenario) => {
      const { observations, problem } = await runScenario(scenario, shared, () => undefined);
      expect(problem).toBeUndefined();
      expect(observations.length).toBeGreaterThan(0);
      // Times are bars of `make chaos`: on a busy machine, no test depends on them.
      expect(observations.filter(({ held, value }) => !held && !value.endsWith(' ms'))).toEqual([]);
    },
    START_TIMEOUT_MILLISECONDS,
  );
});

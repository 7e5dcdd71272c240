import { setTimeout as sleep } from 'node:timers/promises';
import type { ScriptedAnswer, SeenApiRequest } from '../../support/api-proxy.ts';
import { atMost, exactly, figure, holds } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { accepted, countRepeated, createMisplaced, waitUntilMoved } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';

const NAMESPACE = 'f12';
const GONE = 'f12-gone';
const APPS = ['a', 'b'];
const FAULT_MS = 60_000;
const MAX_LISTS = 10;

const expired = (kind: object): string =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Expired', code: 410, ...kind });
const AS_STATUS: ScriptedAnswer = { status: 410, body: expired({ message: 'too old resource version: 1 (2)' }) };
const AS_EVENT: ScriptedAnswer = { status: 200, body: `{"type":"ERROR","object":${expired({})}}\n` };

/** Every watch of the API server expires at once, for a minute. */
export const expiredWatches: Scenario = {
  id: 'F12',
  title: 'Every watch expires at once (410 Gone), for a minute',
  rule: 'P2, P3',
  bar: 'At most 10 LISTs of a resource in the first minute, with growing delays; deletions that no watch reported are found; no pod is evicted twice',
  done: 'Watches of the operator are answered with the status 410, in the second half of the minute with 200 and an ERROR event. Namespaces are deleted and misplaced pods are enabled meanwhile',
  fakes: [
    'a proxy answers the watches, because a real API server does not expire every version at once; LISTs and all else are answered by the real one',
  ],
  run: async (context) => {
    const chaos = await context.cluster();
    await createMisplaced(chaos, NAMESPACE, APPS);
    await chaos.createNamespace(GONE);
    const leader = await startLeader(context, NAMESPACE);
    const begin = performance.now();
    leader.proxy.hooks = {
      answer: ({ url, at }: SeenApiRequest) => {
        if (!url.includes('watch=true')) return undefined;
        return at - begin < FAULT_MS / 2 ? AS_STATUS : AS_EVENT;
      },
    };
    // The watches that are open end when their connections do.
    leader.proxy.dropConnections();
    await chaos.cluster.kubectlOutput(['delete', 'namespace', GONE, '--wait=true']);
    const inCluster = (await chaos.cluster.kubectlOutput(['get', 'namespaces', '-o', 'name']))
      .trim()
      .split('\n').length;
    await chaos.enable(NAMESPACE);
    await waitUntilMoved(chaos, NAMESPACE, APPS.length);
    const moved = (performance.now() - begin) / 1_000;
    await sleep(Math.max(0, begin + FAULT_MS - performance.now()));
    const requests = leader.proxy.requests.filter(({ at }) => at >= begin && at < begin + FAULT_MS);
    const counts = countLists(requests);
    const objects = (await leader.metrics()).value('archpolicy_reflector_objects{resource="namespaces"}');
    leader.proxy.hooks = {};
    await chaos.waitFor('the watches to be open again', async () => {
      const age = (await leader.metrics()).value('archpolicy_reflector_age_seconds{resource="pods"}');
      return Number.isFinite(age) && age < 5;
    });
    return [
      figure('watches that were answered with 410', requests.filter(({ url }) => url.includes('watch=true')).length),
      atMost('LISTs of the resource with most, in the minute', Math.max(0, ...counts.values()), MAX_LISTS),
      exactly('namespaces in memory beyond those of the cluster', objects - inCluster, 0),
      figure('from the first 410 until the misplaced pods had moved', moved, 's'),
      exactly('accepted evictions', accepted(leader.proxy.evictions).length, APPS.length),
      exactly('pods that were evicted twice', countRepeated(leader.proxy.evictions), 0),
      holds('the leader kept the Lease', !leader.hasEnded),
    ];
  },
};

function countLists(requests: readonly SeenApiRequest[]): ReadonlyMap<string, number> {
  const lists = requests.filter(
    ({ method, url }) => method === 'GET' && url.includes('limit=') && !url.includes('continue='),
  );
  return new Map(
    Object.entries(Object.groupBy(lists, ({ url }) => url.split('?')[0] ?? '')).map(([path, all]) => [
      path,
      all?.length ?? 0,
    ]),
  );
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@archpolicy/core';
import { budget } from '../../support/manifests.ts';
import type { ScriptedAnswer, SeenApiRequest } from '../../support/api-proxy.ts';
import { atLeast, atMost, exactly, figure } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { busiestSecond, createMisplaced } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';

const NAMESPACE = 'f20';
const OBSERVED_MS = 60_000;
/** Attempts at one pod in the first minute, when the back-off grows from a second: 0, 1, 3, 7, 15, 31 s, and one more with jitter. */
const MAX_ATTEMPTS = 7;
const RETRY_AFTER_S = 10;
/** A budget that can never be met, because it requires two pods and selects only one. */
const NEVER_MET = { minAvailable: 2, unhealthyPodEvictionPolicy: 'IfHealthyBudget' };

/** What the proxy answers to evictions of an app. `hang` leaves the request without an answer. */
const SCRIPTED: Readonly<Record<string, ScriptedAnswer | 'hang'>> = {
  throttled: scripted(429, 'TooManyRequests', { 'retry-after': String(RETRY_AFTER_S) }),
  forbidden: scripted(403, 'Forbidden'),
  broken: scripted(500, 'InternalError'),
  hanging: 'hang',
};
const APPS = ['blocked', 'several', ...Object.keys(SCRIPTED)];

/** The API server rejects evictions in every way that it has. */
export const evictionsRejected: Scenario = {
  id: 'F20',
  title: 'The API server rejects evictions: disruption budgets, throttling, 403, 500, no answer',
  rule: 'R8, P3',
  bar: 'Each pod is retried with back-off or after Retry-After, all together at most 5 times a second after half a minute; events give the reason; nothing is ever deleted',
  done: `Six misplaced pods for a minute: a budget that blocks and two budgets on one pod (both real); 429 with Retry-After ${RETRY_AFTER_S}, 403, 500, and no answer`,
  fakes: [
    'a proxy answers 429 with Retry-After, 403, 500 or nothing, because the real API server gives these answers to evictions only under overload or in races',
  ],
  run: async (context) => {
    const chaos = await context.cluster();
    const pods = await createMisplaced(chaos, NAMESPACE, APPS);
    await chaos.apply([
      budget(NAMESPACE, 'blocked', { app: 'blocked' }, NEVER_MET),
      ...['one', 'other'].map((name): JsonObject => budget(NAMESPACE, name, { app: 'several' }, { minAvailable: 0 })),
    ]);
    const leader = await startLeader(context, NAMESPACE);
    const appOf = (name: string): string => name.split('-')[0] ?? '';
    leader.proxy.hooks = {
      answer: ({ method, url }: SeenApiRequest) => {
        const [, name = ''] = /\/pods\/([^/]+)\/eviction/u.exec(url) ?? [];
        const answer = method === 'POST' ? SCRIPTED[appOf(name)] : undefined;
        return answer === 'hang' ? undefined : answer;
      },
      beforeForward: async ({ pod }) => {
        // The client's timeout is 12 s; the request is then dropped.
        if (appOf(pod) === 'hanging') await leader.ended();
      },
    };
    await chaos.enable(NAMESPACE);
    await sleep(OBSERVED_MS);
    const evictions = [...leader.proxy.evictions];
    const attempts = (app: string): number => evictions.filter(({ pod }) => appOf(pod) === app).length;
    const events = (app: string, reason: string): number =>
      chaos.live.events(NAMESPACE, reason).filter(({ regarding }) => appOf(regarding) === app).length;
    const uids = new Set(chaos.live.pods(NAMESPACE).map(({ uid }) => uid));
    return [
      ...APPS.flatMap((app) => [
        atLeast(`attempts at ${app} in a minute`, attempts(app), 1),
        atMost(`attempts at ${app} in a minute`, attempts(app), limitOf(app)),
      ]),
      figure(
        'attempts in the busiest second, in which the back-off begins',
        busiestSecond(evictions.map(({ at }) => at)),
      ),
      atMost('attempts in the second half of the minute, a second', secondHalf(evictions.map(({ at }) => at)), 5),
      atLeast('events about the blocking budget', events('blocked', 'DisruptionBudget'), 1),
      atLeast('events about several budgets', events('several', 'SeveralBudgets'), 1),
      exactly('DELETE requests', leader.proxy.requests.filter(({ method }) => method === 'DELETE').length, 0),
      exactly('pods that are gone', pods.filter(({ uid }) => !uids.has(uid)).length, 0),
    ];
  },
};

function limitOf(app: string): number {
  if (app === 'several') return 1;
  if (app === 'throttled') return OBSERVED_MS / 1_000 / RETRY_AFTER_S + 1;
  return MAX_ATTEMPTS;
}

function secondHalf(times: readonly number[]): number {
  const begin = times[0] ?? 0;
  const late = times.filter((at) => at > begin + OBSERVED_MS / 2).length;
  return late / (OBSERVED_MS / 2 / 1_000);
}

function scripted(code: number, reason: string, headers: Readonly<Record<string, string>> = {}): ScriptedAnswer {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message: reason };
  return { status: code, headers, body: JSON.stringify(status) };
}

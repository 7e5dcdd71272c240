import type { Scenario } from './framework/scenario.ts';
import { registryDown } from './rows/f01-registry-down.ts';
import { registrySlow } from './rows/f02-registry-slow.ts';
import { rateLimitStorm } from './rows/f03-rate-limit.ts';
import { registryFlapping } from './rows/f04-registry-flapping.ts';
import { registryRejects } from './rows/f05-registry-rejects.ts';
import { badManifests } from './rows/f06-bad-manifests.ts';
import { redisDown } from './rows/f07-redis-down.ts';
import { redisSilent } from './rows/f08-redis-silent.ts';
import { redisLosesKeys } from './rows/f09-redis-loses-keys.ts';
import { redisPoisoned } from './rows/f10-redis-poisoned.ts';
import { apiServerRestart } from './rows/f11-api-server-restart.ts';
import { expiredWatches } from './rows/f12-expired-watches.ts';
import { brokenWatches } from './rows/f13-broken-watches.ts';
import { tokenRejected } from './rows/f14-token-rejected.ts';
import { leaderLoss } from './rows/f15-leader-loss.ts';
import { eventLoopStall } from './rows/f16-event-loop-stall.ts';
import { certificates } from './rows/f17-certificates.ts';
import { wrongClocks } from './rows/f18-wrong-clocks.ts';
import { operatorKilled } from './rows/f19-operator-killed.ts';
import { evictionsRejected } from './rows/f20-evictions-rejected.ts';
import { budgetOfCrashingPods } from './rows/f21-budget-of-crashing-pods.ts';
import { evictionLoop } from './rows/f22-eviction-loop.ts';
import { contradictoryNode } from './rows/f23-contradictory-node.ts';
import { changedTag } from './rows/f24-changed-tag.ts';
import { manyPods } from './rows/f25-many-pods.ts';
import { admissionLoad } from './rows/f26-admission-load.ts';
import { hostileReviews } from './rows/f27-hostile-reviews.ts';
import { hugeBodies } from './rows/f28-huge-bodies.ts';
import { rollingRestarts } from './rows/f29-rolling-restarts.ts';
import { webhookKilled } from './rows/f30-webhook-killed.ts';
import { dnsSilent } from './rows/f31-dns-silent.ts';
import { unexpectedError } from './rows/f32-unexpected-error.ts';
import { pullSecrets } from './rows/f33-pull-secrets.ts';

/** All scenarios, in the order of the fault model. */
export const scenarios: readonly Scenario[] = [
  registryDown,
  registrySlow,
  rateLimitStorm,
  registryFlapping,
  registryRejects,
  badManifests,
  redisDown,
  redisSilent,
  redisLosesKeys,
  redisPoisoned,
  apiServerRestart,
  expiredWatches,
  brokenWatches,
  tokenRejected,
  leaderLoss,
  eventLoopStall,
  certificates,
  wrongClocks,
  operatorKilled,
  evictionsRejected,
  budgetOfCrashingPods,
  evictionLoop,
  contradictoryNode,
  changedTag,
  manyPods,
  admissionLoad,
  hostileReviews,
  hugeBodies,
  rollingRestarts,
  webhookKilled,
  dnsSilent,
  unexpectedError,
  pullSecrets,
];

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
import { leaderLoss } from './rows/f15-leader-loss.ts';
import { admissionLoad } from './rows/f26-admission-load.ts';
import { hostileReviews } from './rows/f27-hostile-reviews.ts';
import { hugeBodies } from './rows/f28-huge-bodies.ts';
import { rollingRestarts } from './rows/f29-rolling-restarts.ts';
import { webhookKilled } from './rows/f30-webhook-killed.ts';
import { dnsSilent } from './rows/f31-dns-silent.ts';
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
  leaderLoss,
  admissionLoad,
  hostileReviews,
  hugeBodies,
  rollingRestarts,
  webhookKilled,
  dnsSilent,
  pullSecrets,
];

import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, exactly, figure, holds } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { fakeTime } from '../parts/fake-time.ts';
import { accepted, countRepeated, createMisplaced, waitUntilMoved } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';
import { countFailures, podReview, ReviewClient } from '../parts/reviews.ts';
import { ChaosWebhook } from '../parts/webhooks.ts';

const NAMESPACE = 'f18';
const APPS = ['a', 'b'];
const OFFSET_S = 600;
const JUMP_S = 3_600;
const PER_SECOND = 20;
/** Longer than the 10 s after which a leader that cannot renew gives up. */
const AFTER_JUMP_MS = 12_000;

/** The clocks of operator and webhook are ten minutes ahead, and jump by an hour in opposite directions. */
export const wrongClocks: Scenario = {
  id: 'F18',
  title: 'Clocks are wrong by ten minutes, and jump by an hour',
  rule: 'P1, P3, design section 2',
  bar: 'Leases are judged by monotonic time: the leader keeps its Lease, the webhook counts it as fresh, every review is decided, each misplaced pod is evicted once',
  done: `Under libfaketime operator and webhook are ${OFFSET_S} s ahead of the API server; then they jump by ${JUMP_S} s in opposite directions, there and back, under ${PER_SECOND} reviews a second; then both are right. (An operator whose clock is behind waits for the grace period, by its own clock, before it evicts.)`,
  run: async (context) => {
    const chaos = await context.cluster();
    await createMisplaced(chaos, NAMESPACE, APPS);
    await createMisplaced(chaos, `${NAMESPACE}-jump`, APPS);
    await chaos.createNamespace(`${NAMESPACE}-reviews`);
    const [ofOperator, ofWebhook] = [await fakeTime(OFFSET_S), await fakeTime(OFFSET_S)];
    for (const clock of [ofOperator, ofWebhook]) context.cleanUp(clock.remove);
    const leader = await startLeader(context, NAMESPACE, { env: ofOperator.env });
    const webhook = await ChaosWebhook.start(context, 'f18-webhook', { env: ofWebhook.env });
    const client = new ReviewClient(webhook, podReview(`${NAMESPACE}-reviews`, chaos.images.arm64.reference));
    await chaos.waitFor('a decision', async () => (await client.send()).isPatched);
    const canGate = async (): Promise<boolean> =>
      (await webhook.metrics()).value('archpolicy_admission_can_gate') === 1;
    await chaos.waitFor('the webhook to find the Lease fresh', canGate);
    const begin = performance.now();
    await chaos.enable(NAMESPACE);
    await waitUntilMoved(chaos, NAMESPACE, APPS.length);
    const moved = (performance.now() - begin) / 1_000;
    const fresh: boolean[] = [];
    const outcomes = await client.load(PER_SECOND, async () => {
      for (const jump of [JUMP_S, -JUMP_S]) {
        await Promise.all([ofOperator.set(jump), ofWebhook.set(-jump)]);
        await sleep(AFTER_JUMP_MS);
        fresh.push(await canGate());
      }
    });
    await Promise.all([ofOperator.set(0), ofWebhook.set(0)]);
    await chaos.enable(`${NAMESPACE}-jump`);
    await waitUntilMoved(chaos, `${NAMESPACE}-jump`, APPS.length);
    client.close();
    return [
      atMost('until the misplaced pods had moved, with wrong clocks', moved, 30, 's'),
      figure('reviews during the jumps', outcomes.length),
      exactly('failed reviews', countFailures(outcomes), 0),
      exactly('reviews without a decision', outcomes.filter(({ isPatched }) => !isPatched).length, 0),
      holds('the Lease counted as fresh after each jump', fresh.length === 2 && fresh.every(Boolean)),
      holds('the leader kept its Lease', !leader.hasEnded),
      exactly('accepted evictions', accepted(leader.proxy.evictions).length, 2 * APPS.length),
      exactly('pods that were evicted twice', countRepeated(leader.proxy.evictions), 0),
    ];
  },
};

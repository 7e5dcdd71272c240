import { join } from 'node:path';
import type { Observation } from '@archpolicy/testkit';
import { atLeast, exactly } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import { inspectable } from '../parts/inspector.ts';
import type { Inspectable } from '../parts/inspector.ts';
import { countFailures, podReview, ReviewClient } from '../parts/reviews.ts';
import type { ReviewOutcome } from '../parts/reviews.ts';
import { ChaosWebhook } from '../parts/webhooks.ts';

const NAMESPACE = 'f32';
const WEBHOOK = join(import.meta.dirname, '../../../webhook/src');
const REVIEWS = 20;
/** Bodies of a method with a bug. A method that is not async does not reject. */
const THROWS = 'throw new TypeError("a bug")';
const REJECTS = 'return Promise.reject(new TypeError("a bug"))';
const RETURNS_NOTHING = 'return undefined';
/** Methods that take part in each decision, with their bugs. */
const BUGS: readonly Bug[] = [
  ...[THROWS, REJECTS, RETURNS_NOTHING].flatMap((body): readonly Bug[] => [
    { file: 'mutate/pod-mutator.ts', type: 'PodMutator', method: 'place', body },
    { file: 'mutate/input-gatherer.ts', type: 'InputGatherer', method: 'inspectImages', body },
  ]),
  ...[THROWS, RETURNS_NOTHING].flatMap((body): readonly Bug[] => [
    { file: 'mutate/input-gatherer.ts', type: 'InputGatherer', method: 'cachedContext', body },
    { file: 'mutate/memoized-placement.ts', type: 'MemoizedPlacement', method: 'place', body },
  ]),
];

interface Bug {
  /** Relative to webhook/src. */
  readonly file: string;
  readonly type: string;
  readonly method: string;
  readonly body: string;
}

/** A bug in the decision about a pod, and an error outside any request. */
export const unexpectedError: Scenario = {
  id: 'F32',
  title: 'A bug: an unexpected error within a request, and outside of any request',
  rule: 'P1, P2',
  bar: 'A bug in a request costs the decision of that request alone: the pod is admitted unchanged. After an error outside of a request the process logs it and exits; the other replica misses no review',
  done: "Over Node's inspector, four methods of a real webhook are replaced by ones that throw, reject or return undefined, one after the other; then a promise is rejected without a handler",
  run: async (context) => {
    const chaos = await context.cluster();
    await chaos.createNamespace(NAMESPACE);
    const inspector = await inspectable();
    const webhook = await ChaosWebhook.start(context, 'f32-buggy', { env: inspector.env });
    const replica = await ChaosWebhook.start(context, 'f32-replica');
    const body = podReview(NAMESPACE, chaos.images.arm64.reference);
    const client = new ReviewClient(webhook, body);
    const other = new ReviewClient(replica, body);
    context.cleanUp(() => {
      for (const one of [client, other]) one.close();
      return Promise.resolve();
    });
    await chaos.waitFor('a decision', async () => (await client.send()).isPatched);
    const bugs = await causeBugs(inspector, client, context.progress);
    const afterwards = await client.send();

    const during = await other.load(50, async () => {
      await inspector.start('setImmediate(() => { Promise.reject(new Error("outside of any request")); }), 0');
      await chaos.waitFor('the webhook to exit', () => webhook.hasEnded);
      await chaos.waitFor('its connections to close', async () => (await client.send()).result !== 'allowed');
    });
    return [
      ...bugs,
      exactly('reviews that were decided after the bugs', Number(afterwards.isPatched), 1),
      exactly('exit status after the error outside of a request', Number(await webhook.ended()), 1),
      exactly('lines in the log that report it', (await webhook.log()).split('"process failed"').length - 1, 1),
      atLeast('reviews at the other replica', during.length, 1),
      exactly('of these failed', countFailures(during), 0),
    ];
  },
};

async function causeBugs(
  inspector: Inspectable,
  client: ReviewClient,
  progress: (line: string) => void,
): Promise<readonly Observation[]> {
  const outcomes: ReviewOutcome[] = [];
  for (const bug of BUGS) {
    progress(`${bug.type}.${bug.method}: ${bug.body}`);
    await inspector.run(replaceMethod(bug));
    outcomes.push(...(await Promise.all(Array.from({ length: REVIEWS }, () => client.send()))));
    await inspector.run(`${prototype(bug)}.${bug.method} = globalThis.originalMethod`);
  }
  return [
    exactly('reviews sent to a webhook with a bug', outcomes.length, BUGS.length * REVIEWS),
    exactly('of these not allowed', countFailures(outcomes), 0),
  ];
}

/** Modules are shared with the running program, whose imports have loaded them before. */
function prototype({ file, type }: Bug): string {
  const require = `process.getBuiltinModule('node:module').createRequire('file:///')`;
  return `${require}(${JSON.stringify(join(WEBHOOK, file))}).${type}.prototype`;
}

function replaceMethod(bug: Bug): string {
  return `{
    const target = ${prototype(bug)};
    globalThis.originalMethod = target.${bug.method};
    target.${bug.method} = function () { ${bug.body} };
  }`;
}

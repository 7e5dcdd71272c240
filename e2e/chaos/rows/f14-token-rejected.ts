import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { atMost, exactly, holds } from '../framework/observations.ts';
import type { Scenario } from '../framework/scenario.ts';
import type { ChaosCluster } from '../cluster/chaos-cluster.ts';
import { accepted, createMisplaced, waitUntilMoved } from '../parts/misplaced.ts';
import { startLeader } from '../parts/operators.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';

const NAMESPACE = 'f14';
const SYSTEM = 'archpolicy-system';
const APPS = ['a', 'b'];

/** The token of the ServiceAccount becomes invalid, and the file gets another one. */
export const tokenRejected: Scenario = {
  id: 'F14',
  title: 'The token of the ServiceAccount is revoked and replaced in its file',
  rule: 'P2',
  bar: 'The operator reads the file again after a 401 and continues without a restart or a loss of the Lease',
  done: 'A real token, which is bound to a Secret. The Secret is deleted; once the API server answers 401, another token is written to the file, and misplaced pods are enabled',
  run: async (context) => {
    const chaos = await context.cluster();
    await createMisplaced(chaos, NAMESPACE, APPS);
    const tokenFile = join(chaos.cluster.directory, 'run', `${NAMESPACE}.token`);
    const first = await createToken(chaos, 'f14-first');
    await writeFile(tokenFile, first);
    const leader = await startLeader(context, NAMESPACE, { tokenFile });
    const second = await createToken(chaos, 'f14-second');
    await chaos.cluster.kubectlOutput(['delete', 'secret', 'f14-first', '-n', SYSTEM]);
    // The API server caches that a token is valid for 10 s.
    await chaos.waitFor('the first token to be rejected', async () => (await useToken(leader, first)) === 401);
    const begin = performance.now();
    await writeFile(tokenFile, second);
    await chaos.enable(NAMESPACE);
    await waitUntilMoved(chaos, NAMESPACE, APPS.length);
    return [
      atMost('from the first 401 until the misplaced pods had moved', (performance.now() - begin) / 1_000, 60, 's'),
      holds('the same process leads', !leader.hasEnded && (await leader.metrics()).value('archpolicy_leader') === 1),
      exactly('accepted evictions', accepted(leader.proxy.evictions).length, APPS.length),
    ];
  },
};

/** Creates a token that is valid as long as a Secret exists. */
async function createToken({ cluster }: ChaosCluster, secret: string): Promise<string> {
  await cluster.kubectlOutput(['create', 'secret', 'generic', secret, '-n', SYSTEM]);
  const bound = ['--bound-object-kind=Secret', `--bound-object-name=${secret}`];
  return (await cluster.kubectlOutput(['create', 'token', 'archpolicy-operator', '-n', SYSTEM, ...bound])).trim();
}

/** Returns the status of a request with this token. */
function useToken({ proxy }: OperatorProcess, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    request(`${proxy.url}/api/v1/nodes?limit=1`, { ca: proxy.authority, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

/**
 * Sends reviews of pods with 256 images one after another until the process is killed. Arguments: the port, the CA
 * certificate as PEM, and the name prefix of the pull secrets of `costlyPullSecrets`. With an empty prefix, the pods
 * have no secrets.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { costlyPullSecrets } from '@archpolicy/testkit';
import { Connection } from './connection.ts';

/** Pause between two reviews. */
const PAUSE_MS = 100;

const [port = '0', ca = '', prefix = ''] = process.argv.slice(2);

const bodies = costlyPullSecrets().map(({ images }, number) => {
  const containers = images.map((image, index) => ({ name: `c${index}`, image }));
  const imagePullSecrets = prefix === '' ? [] : [{ name: `${prefix}-${number}` }];
  return Buffer.from(JSON.stringify(review({ containers, imagePullSecrets })));
});

for (let next = 0; ; next = (next + 1) % bodies.length) {
  try {
    const connection = await Connection.open(Number(port), ca, bodies[next] ?? Buffer.alloc(0));
    await connection.send();
    connection.close();
  } catch {
    // Do not retry a review if there was no response in time.
  }
  await sleep(PAUSE_MS);
}

function review(spec: object): object {
  const pods = { group: '', version: 'v1', resource: 'pods' };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800003',
    kind,
    resource: pods,
    namespace: 'costly',
    operation: 'CREATE',
    object: { kind: 'Pod', apiVersion: 'v1', metadata: { generateName: 'costly-' }, spec },
    dryRun: true,
  };
  return { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request };
}

/**
 * Creates pods of the namespace `evil` as fast as the webhook answers, until the process is killed: several attacks at
 * once, each on a connection of its own. Arguments: the port of the webhook, its CA certificate as PEM, the host of a
 * registry that other namespaces use, and the prefix of the names of costly pull secrets.
 */
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { costlyPullSecrets } from '@archpolicy/testkit';
import { Connection } from '../connection.ts';
import { startSilentHost, startTrickler } from './hostile-hosts.ts';
import { buildReview } from './review.ts';

/** Pause between two pods of one attack. */
const PAUSE_MS = 100;
const IMAGES = 256;
const TRICKLERS = 8;
const SILENT_HOSTS = 40;
/** The lowest priority: in a cluster, the attacker and its registries use other machines. */
const LOWEST_PRIORITY = 19;

interface Pod {
  readonly images: readonly string[];
  readonly pullSecrets: readonly string[];
}

/** Returns the pod number `pod` of an attack. Each pod names images that no earlier pod named. */
type Attack = (pod: number) => Pod;

const [port = '0', ca = '', sharedRegistry = '', secretPrefix = ''] = process.argv.slice(2);

function images(count: number, name: (index: number) => string): Pod {
  return { images: Array.from({ length: count }, (_, index) => name(index)), pullSecrets: [] };
}

async function startAttacks(): Promise<readonly Attack[]> {
  const tricklers = await Promise.all(Array.from({ length: TRICKLERS }, startTrickler));
  const silent = await Promise.all(Array.from({ length: SILENT_HOSTS }, startSilentHost));
  const pick = (hosts: readonly string[], index: number): string => hosts[index % hosts.length] ?? '';
  const costly = costlyPullSecrets().map(({ images: named }, number) => ({
    images: named,
    pullSecrets: [`${secretPrefix}-${number}`],
  }));
  return [
    // Keys of pull secrets that take long to match.
    (pod) => costly[pod % costly.length] ?? { images: [], pullSecrets: [] },
    // Names whose name server is silent.
    (pod) => images(IMAGES, (index) => `r${pod}-${index}.evil-${index}.test/app:v1`),
    // Manifests that almost end.
    (pod) => images(128, (index) => `${pick(tricklers, index)}/app-${pod}-${index}:v1`),
    // New tags at a registry that others use.
    (pod) => images(IMAGES, (index) => `${sharedRegistry}/evil-${pod}-${index}:v1`),
    // Accounts for which a credential plugin runs.
    (pod) => images(200, (index) => `account-${pod}-${index}.ecr.test/app:v1`),
    // Registries that never answer.
    (pod) => images(IMAGES, (index) => `${pick(silent, index)}/app-${pod}-${index}:v1`),
  ];
}

async function run(attack: Attack): Promise<never> {
  for (let pod = 0; ; pod += 1) {
    try {
      const connection = await Connection.open(Number(port), ca, buildReview('evil', attack(pod)));
      await connection.send();
      connection.close();
    } catch {
      // The webhook did not answer this pod in time; go on with the next one.
    }
    await sleep(PAUSE_MS);
  }
}

setPriority(LOWEST_PRIORITY);
await Promise.all((await startAttacks()).map(run));

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { createCertificateAuthority, FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { Observation } from '@archpolicy/testkit';
import { waitFor } from '@archpolicy/e2e';
import { atMost, exactly, figure } from '../framework/observations.ts';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { openLoop } from '../parts/admission/open-loop.ts';
import { ReviewClient } from '../parts/admission/review-client.ts';
import { count, countRefused, p99 } from '../parts/admission/verdicts.ts';

const ID = 'f31';
const HOSTS = 60;
const SILENT_PER_SECOND = 20;
const KNOWN_PER_SECOND = 20;
const SECONDS = 15;
const MAX_RELOAD_MS = 15_000;
/** The deadline of a review. */
const MAX_ANSWER_MS = 1_600;
const MAX_KNOWN_P99_MS = 100;

/** Name servers do not answer about many hosts of registries. */
export const dnsSilent: Scenario = {
  id: 'F31',
  title: 'Name servers do not answer',
  rule: 'I10, P1',
  bar: 'Pods of other registries are placed as before, also of new images; the serving certificate is reloaded within 15 s; every answer within its deadline',
  done: 'A real webhook with a name server of its own, which is silent about 60 hosts that 20 pods a second name; meanwhile pods of a registry whose name resolves, and a new serving certificate',
  fakes: [FAKE_CALLER, 'the name server and the registry, on loopback'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const ground = await AdmissionGround.open(context, ID);
  const registry = await new FakeRegistry().start();
  context.cleanUp(() => registry.stop());
  const host = `registry.answering.example:${registry.port}`;
  const zone = {
    '*.silent.example': { fault: 'silent' },
    'registry.answering.example': { A: ['127.0.0.1'], ttlSeconds: 1 },
  } as const;
  const names = await ground.names(zone);
  if (typeof names === 'string') throw new Error(`the scenario cannot run here: ${names}`);
  await ground.addRegistry({ host, plainHttp: true, allowAddresses: ['127.0.0.0/8'] });
  const tls = await createTls(join(ground.cluster.directory, 'run', 'f31-tls'));
  const { replica } = await ground.webhook({ resolvConf: names.resolvConf, tlsDirectory: tls.directory });
  const client = await ReviewClient.open(ground.cluster, replica.port, { ca: tls.ca });
  context.cleanUp(() => client.close());
  const pods = KNOWN_PER_SECOND * SECONDS;
  for (let index = 0; index < pods; index += 1)
    registry.push('app', `v${index}`, multiPlatformImage(['linux/amd64'], `${index}`));
  const [silent, known, reloadMs] = await Promise.all([
    openLoop({ perSecond: SILENT_PER_SECOND, count: SILENT_PER_SECOND * SECONDS }, (index) =>
      client.review({ namespace: ID, images: [`registry-${index % HOSTS}.silent.example/app:v${index}`] }),
    ),
    openLoop({ perSecond: KNOWN_PER_SECOND, count: pods }, (index) =>
      client.review({ namespace: ID, images: [`${host}/app:v${index}`] }),
    ),
    reload(replica.port, tls),
  ]);
  return [
    atMost('a new serving certificate is used within', reloadMs, MAX_RELOAD_MS, 'ms'),
    exactly(
      'pods of new images of another registry that were not placed',
      known.length - count(known, 'constrained'),
      0,
      'pods',
    ),
    atMost('answer to them, p99', p99(known), MAX_KNOWN_P99_MS, 'ms'),
    atMost('answer to a pod whose registry has no address, p99', p99(silent), MAX_ANSWER_MS, 'ms'),
    exactly('pods refused or without an answer', countRefused([...silent, ...known]), 0, 'pods'),
    figure('queries that the name server received', names.server.questions.length, 'queries'),
  ];
}

interface Tls {
  readonly directory: string;
  readonly ca: string;
  /** Writes a new certificate. */
  readonly renew: () => Promise<void>;
}

async function createTls(directory: string): Promise<Tls> {
  const authority = await createCertificateAuthority();
  await mkdir(directory, { recursive: true });
  const renew = async (): Promise<void> => {
    const { certificate, key } = await authority.issue();
    await writeFile(join(directory, 'tls.key'), key);
    await writeFile(join(directory, 'tls.crt'), certificate);
  };
  await renew();
  return { directory, ca: authority.certificate, renew };
}

/** Replaces the certificate after a third of the time. Returns the milliseconds until a handshake shows the new one. */
async function reload(port: number, { ca, renew, directory }: Tls): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, (SECONDS * 1_000) / 3));
  const before = await serialNumber(port, ca);
  await renew();
  await readFile(join(directory, 'tls.crt'));
  const startedAt = performance.now();
  await waitFor(async () => (await serialNumber(port, ca)) !== before, {
    timeoutMs: 2 * MAX_RELOAD_MS,
    what: 'the new certificate to be served',
  });
  return performance.now() - startedAt;
}

function serialNumber(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/**
 * Runs the fake API server of a large cluster in a separate process, so that the bench does not measure its memory and
 * CPU time. `fork` starts it, with the size (JSON) as its argument. The messages are `PodServerCommand` and
 * `PodServerReport`.
 */
import type { JsonObject } from '@archpolicy/core';
import { FakeApiServer, ManyPods } from '../src/api-server/index.ts';
import type { ManyPodsSize } from '../src/api-server/index.ts';

/** A message from the parent: the rate of pod events from now on. 0 stops the events. */
export interface PodServerCommand {
  readonly eventsPerSecond: number;
}

/** A message to the parent, at the start and after each command: the server's URL, and the totals sent so far. */
export interface PodServerReport {
  readonly url: string;
  readonly events: number;
  readonly bytesSent: number;
}

const TICK_MS = 50;
const size = JSON.parse(process.argv[2] ?? '') as ManyPodsSize;
const server = await new FakeApiServer().start();
const pods = new ManyPods(size);
server.collectionServers.set('/api/v1/pods', pods);

const meta = (name: string): JsonObject => ({
  name,
  uid: `uid-of-${name}`,
  labels: { 'kubernetes.io/metadata.name': name },
});
// Its uid identifies the cluster, so that processes share in Redis what concerns a registry on loopback.
server.collection('/api/v1/namespaces').put({ kind: 'Namespace', metadata: meta('kube-system') });
for (let at = 0; at < size.namespaces; at += 1) {
  server.collection('/api/v1/namespaces').put({ kind: 'Namespace', metadata: meta(`team-${at}`) });
}
for (let at = 0; at < size.nodes; at += 1) server.collection('/api/v1/nodes').put(node(`node-${at}`));
server.collection('/apis/archpolicy.dev/v1alpha1/archpolicies').put({
  apiVersion: 'archpolicy.dev/v1alpha1',
  kind: 'ArchPolicy',
  metadata: { name: 'default', generation: 1 },
  spec: {
    preference: { architectures: ['amd64'] },
    remediation: { action: 'Report' },
    // Overrides all images, so that no registry is used, because only the pods are measured.
    images: [{ match: 'registry.example/*', platforms: ['linux/amd64', 'linux/arm64'] }],
  },
});

/** A cloud node with the 50 images that a kubelet reports, about 10 KB. */
function node(name: string): JsonObject {
  const labels = { 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name };
  const images = Array.from({ length: 50 }, (_, at) => ({
    names: [`registry.example/team-${at}/service-${at}@sha256:${'5'.repeat(64)}`, `registry.example/service-${at}:v3`],
    sizeBytes: 123_456_789,
  }));
  return {
    kind: 'Node',
    metadata: { name, labels },
    spec: { providerID: `cloud:///zone/${name}` },
    status: {
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
      nodeInfo: { architecture: 'amd64', operatingSystem: 'linux', kubeletVersion: 'v1.36.3' },
      images,
    },
  };
}

let perSecond = 0;
let due = 0;
let step = 0;
let events = 0;
const ticking = setInterval(() => {
  due += (perSecond * TICK_MS) / 1_000;
  while (due >= 1) {
    const made = pods.change(step);
    step += 1;
    due -= made;
    events += made;
  }
}, TICK_MS);

const report = (): void => {
  process.send?.({ url: server.url, events, bytesSent: pods.bytesSent } satisfies PodServerReport);
};
process.on('message', ({ eventsPerSecond }: PodServerCommand) => {
  perSecond = eventsPerSecond;
  due = 0;
  report();
});
process.once('disconnect', () => {
  clearInterval(ticking);
  void server.stop();
});
report();

import { pkiFiles } from '../certificates/cluster-pki.ts';
import { controlPlaneClient } from './control-plane-client.ts';

export const kubeControllerManager = controlPlaneClient('kube-controller-manager', (layout) => [
  // Its own user has hardly any rights: each controller acts under an account of its own.
  '--use-service-account-credentials=true',
  `--service-account-private-key-file=${layout.pki(pkiFiles.accountsPrivate)}`,
  `--root-ca-file=${layout.pki(pkiFiles.authority)}`,
  // The worker counts of production would be the bottleneck of every benchmark.
  '--concurrent-deployment-syncs=20',
  '--concurrent-replicaset-syncs=20',
  '--concurrent-job-syncs=20',
]);

import { pkiFiles } from '../certificates/cluster-pki.ts';
import { controlPlaneClient } from './control-plane-client.ts';

export const kubeControllerManager = controlPlaneClient('kube-controller-manager', (layout) => [
  // Each controller uses its own account, because the user of kube-controller-manager has few rights.
  '--use-service-account-credentials=true',
  `--service-account-private-key-file=${layout.pki(pkiFiles.accountsPrivate)}`,
  `--root-ca-file=${layout.pki(pkiFiles.authority)}`,
  // The default worker counts would be the bottleneck of every benchmark.
  '--concurrent-deployment-syncs=20',
  '--concurrent-replicaset-syncs=20',
  '--concurrent-job-syncs=20',
]);

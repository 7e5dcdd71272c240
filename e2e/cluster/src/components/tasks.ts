import { writeFile } from 'node:fs/promises';
import { formatKubeconfig } from '../certificates/kubeconfig.ts';
import { waitFor } from '../wait.ts';
import type { Task } from '../component/component.ts';

const ACCOUNT_TIMEOUT_MILLISECONDS = 60_000;

/** Writes the kubeconfig with cluster-admin rights. */
export const writeKubeconfig: Task = {
  kind: 'task',
  name: 'kubeconfig',
  needs: ['kube-apiserver'],
  async run({ layout, pki, apiServer }) {
    const credential = { kind: 'certificate', pair: pki.users.admin } as const;
    await writeFile(layout.kubeconfig, formatKubeconfig(apiServer(), pki.authority, 'admin', credential), {
      mode: 0o600,
    });
  },
};

/** Waits for the default ServiceAccount, because without it the API server rejects every pod of the namespace. */
export const defaultAccount: Task = {
  kind: 'task',
  name: 'default-account',
  needs: ['kube-controller-manager'],
  async run(cluster, signal) {
    await waitFor(
      async (waiting) => {
        const path = '/api/v1/namespaces/default/serviceaccounts/default';
        return (await cluster.api().send('GET', path, waiting)).status === 200;
      },
      { timeoutMs: ACCOUNT_TIMEOUT_MILLISECONDS, what: 'the ServiceAccount default', signal },
    );
  },
};

import { writeFile } from 'node:fs/promises';
import { formatKubeconfig } from '../certificates/kubeconfig.ts';
import { waitFor } from '../wait.ts';
import type { Task } from '../component/component.ts';

const ACCOUNT_TIMEOUT_MILLISECONDS = 60_000;

/** The kubeconfig of the user with all rights. */
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

/** Without this account the API server refuses every pod of the namespace. */
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

import { readFile } from 'node:fs/promises';
import type { Task } from '../../../cluster/src/component/component.ts';
import { pushImage } from '../../../cluster/src/push-image.ts';
import { createTar } from '../images/tar.ts';

/** Repository and tag of the image whose container holds the namespaces of a pod. */
export const SANDBOX_IMAGE = 'pause:v1';

/** Pushes the sandbox image to the cluster's registry. */
export const pushSandboxImage: Task = {
  kind: 'task',
  name: 'sandbox-image',
  needs: ['registry'],
  async run(cluster) {
    const layer = createTar([{ name: 'app', content: await readFile(cluster.tool('sandbox-program')) }]);
    const [repository = '', tag = ''] = SANDBOX_IMAGE.split(':');
    await pushImage(`127.0.0.1:${cluster.port('registry', 'http')}`, repository, tag, ['linux/amd64'], {
      kind: 'single',
      getContent: () => ({ layer, config: { Entrypoint: ['/app'] } }),
    });
  },
};

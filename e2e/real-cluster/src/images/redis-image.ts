import { pushImage } from '../../../cluster/src/push-image.ts';
import { collectProgram } from './host-program.ts';
import { createTar } from './tar.ts';

/** The image that deploy/components/redis names, without tag and digest. No address outside of the cluster is reachable. */
export const REDIS_IMAGE = 'docker.io/library/redis';

/** Pushes an image with the redis-server of this machine, which is Debian's. */
export async function pushRedis(registry: string, repository: string, tag: string, program: string): Promise<void> {
  const layer = createTar(await collectProgram(program, 'usr/bin/redis-server'));
  await pushImage(registry, repository, tag, ['linux/amd64'], {
    kind: 'single',
    getContent: () => ({ layer, config: { Entrypoint: ['redis-server'], Env: ['PATH=/usr/bin'] } }),
  });
}

import { ShutdownHooks, createLogger } from '@archpolicy/service';
import type { RunContext } from '@archpolicy/service';
import { connectApi } from './connect-api.ts';
import { ManagedProcess } from './managed-process.ts';
import type { ProcessConfig } from './managed-process.ts';
import { VERSION } from './names.ts';

export interface ProcessOptions<C extends ProcessConfig> {
  /** The name in logs and in the `User-Agent` header. */
  readonly name: string;
  readonly config: C;
  /** How long closing may take in total, in milliseconds. A resource that takes longer is logged and abandoned. */
  readonly closeWithinMs: number;
}

/**
 * Connects to the API server, runs `body` until it returns, and closes everything that was opened, in reverse order,
 * also when `body` throws.
 * @throws ConfigError, and what `body` throws
 */
export async function runProcess<C extends ProcessConfig>(
  { clock }: Pick<RunContext, 'clock'>,
  { name, config, closeWithinMs }: ProcessOptions<C>,
  body: (process: ManagedProcess<C>) => Promise<void>,
): Promise<void> {
  const logger = createLogger({ name, level: config.logLevel });
  const shutdownHooks = new ShutdownHooks({ clock, logger });
  try {
    const api = await connectApi({
      kubeconfig: config.kubeconfig,
      userAgent: `${name}/${VERSION}`,
      clock,
      logger,
    });
    shutdownHooks.add('API client', () => api.close());
    await body(new ManagedProcess({ config, clock, logger, shutdownHooks, api }));
    logger.info({}, 'closing');
  } finally {
    await shutdownHooks.closeAll(closeWithinMs);
  }
}

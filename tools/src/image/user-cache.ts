import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ImageError } from './errors.ts';

/**
 * Returns the folder of what is downloaded once for each user. It is below the folder of the local cluster's programs.
 * @throws ImageError if XDG_CACHE_HOME is no absolute path
 */
export function imageCache(environment: NodeJS.ProcessEnv): string {
  const configured = environment['XDG_CACHE_HOME'];
  if (configured !== undefined && !isAbsolute(configured)) {
    throw new ImageError(`XDG_CACHE_HOME is ${JSON.stringify(configured)}: set it to an absolute path, or unset it`);
  }
  return join(configured ?? join(homedir(), '.cache'), 'archpolicy', 'image');
}

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { ClusterError, hasCode } from './errors.ts';
import type { Layout } from './layout.ts';

const markerSchema = z.object({ id: z.uuid() });

/** Returns the id of the cluster in the directory, undefined if it is not a cluster's directory. */
export async function clusterId(layout: Layout): Promise<string | undefined> {
  try {
    return markerSchema.parse(JSON.parse(await readFile(layout.marker, 'utf8'))).id;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw new ClusterError('Directory', `CLUSTER_DIR: ${layout.marker} cannot be read: remove ${layout.root} by hand`, {
      cause: error,
    });
  }
}

/**
 * Creates the directory of a new cluster and returns the id of the cluster. Rejects a directory that contains other
 * files.
 */
export async function createDirectory(layout: Layout): Promise<string> {
  await mkdir(layout.root, { recursive: true, mode: 0o700 });
  const found = await readdir(layout.root);
  if (found.length > 0) {
    throw new ClusterError(
      'Config',
      `CLUSTER_DIR is ${layout.root}, which is not empty and holds no cluster: choose another directory`,
    );
  }
  const id = randomUUID();
  // Write the marker first, so that `down` may remove the directory from now on.
  await writeFile(layout.marker, `${JSON.stringify({ id })}\n`);
  for (const folder of layout.folders) await mkdir(folder, { recursive: true, mode: 0o700 });
  return id;
}

/** Removes the directory if it has our marker. */
export async function removeDirectory(layout: Layout): Promise<void> {
  if ((await clusterId(layout)) === undefined) return;
  // Retry, because a process that was just killed may still be writing a file.
  await rm(layout.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

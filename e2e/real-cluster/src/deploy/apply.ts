import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildOverlay } from './overlay.ts';
import type { OverlayOptions } from './overlay.ts';

/** Writes the overlay and applies it, as the README of deploy/ does. */
export async function applyManifests(
  options: OverlayOptions,
  kubectl: (args: readonly string[]) => Promise<string>,
): Promise<void> {
  await mkdir(options.folder, { recursive: true });
  for (const [name, content] of Object.entries(buildOverlay(options))) {
    await writeFile(join(options.folder, name), stringify(content));
  }
  await kubectl(['apply', '--server-side', '-k', options.folder]);
  await kubectl(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev', '--timeout=30s']);
}

import { copyFile, mkdir, mkdtemp, readFile, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHITECTURES } from './architectures.ts';
import { findBase } from './bases.ts';
import { findBuilder } from './builder/find-builder.ts';
import { checkBundles } from './bundles.ts';
import { readCommit } from './commit.ts';
import { SBOM_FILE, writeContext } from './context.ts';
import { LOCK_FILE } from './debian/lock.ts';
import { ImageError } from './errors.ts';
import { readLayout } from './layout.ts';
import type { LayoutImage } from './layout.ts';
import { imageCache } from './user-cache.ts';

export interface ImageOptions {
  /** The top of the checkout. */
  readonly root: string;
  /** The value of BASE. */
  readonly base: string;
  /** The folder with the bundles. The layout is written to `image` in it, the SBOMs beside it. */
  readonly out: string;
  readonly environment: NodeJS.ProcessEnv;
}

export interface BuiltImage extends LayoutImage {
  readonly version: string;
  readonly commit: string;
  readonly builder: string;
  readonly layout: string;
}

/**
 * Builds the image for all architectures into an OCI layout. Two builds of the same commit by the same builder have the
 * same digest.
 * @throws ImageError if the user can end what prevents it
 */
export async function buildImage({ root, base: name, out, environment }: ImageOptions): Promise<BuiltImage> {
  const base = findBase(name);
  const bundled = await checkBundles(root, out);
  await requireSpace(out);
  const cache = imageCache(environment);
  const builder = await findBuilder(environment, cache);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string };
  const commit = await readCommit();
  const lock = await readFile(LOCK_FILE, 'utf8');
  const work = await mkdtemp(join(out, '.image-'));
  try {
    const [context, scratch, layout] = [join(work, 'context'), join(work, 'scratch'), join(work, 'layout')];
    await mkdir(scratch);
    await writeContext({ root, base, bundles: out, bundled, version, commit, lock, cache }, context, scratch);
    const platforms = ARCHITECTURES.map((one) => `linux/${one.name}`);
    const dockerfile = join(root, 'deploy/Dockerfile');
    await builder.build({ dockerfile, context, base: base.from, version, commit, platforms, layout, scratch });
    const image = await readLayout(layout);
    await publish(work, out);
    return { ...image, version, commit: commit.hash, builder: builder.name, layout: join(out, 'image') };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Moves the results to their places. */
async function publish(work: string, out: string): Promise<void> {
  await rm(join(out, 'image'), { recursive: true, force: true });
  await rename(join(work, 'layout'), join(out, 'image'));
  for (const { name } of ARCHITECTURES) {
    await copyFile(join(work, 'context/app', name, SBOM_FILE), join(out, `sbom-linux-${name}.cdx.json`));
  }
}

/** What a build needs: the files of both architectures, unpacked, and again in the storage of the builder. */
const NEEDED_BYTES = 2e9;

async function requireSpace(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= NEEDED_BYTES) return;
  const free = ((bavail * bsize) / 1e9).toFixed(1);
  throw new ImageError(
    `${folder} has ${free} GB of free disk space, and a build needs ${NEEDED_BYTES / 1e9} GB: free some`,
  );
}

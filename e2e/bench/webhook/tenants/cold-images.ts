import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../connection.ts';
import type { Target } from '../load.ts';
import { buildReview } from './review.ts';

const EVERY_MS = 500;
const RETRY_MS = 20;
/** A pod that is not placed within this time counts with this time. */
const GIVE_UP_MS = 15_000;
const PLACED = 'kubernetes.io/arch';

/** Creates a pod of a new image of the namespace `shop` every half second. Returns how long each took until it was placed. */
export async function placeColdImages(target: Target, images: readonly string[]): Promise<readonly number[]> {
  const placed: Promise<number>[] = [];
  for (const image of images) {
    placed.push(place(target, image));
    await sleep(EVERY_MS);
  }
  return Promise.all(placed);
}

/** Creates the same pod again until its image is known. Returns the milliseconds until then. */
async function place({ port, ca }: Target, image: string): Promise<number> {
  const startedAt = performance.now();
  const review = buildReview('shop', { images: [image], pullSecrets: [] });
  while (performance.now() - startedAt < GIVE_UP_MS) {
    if (await isPlaced(port, ca, review)) return performance.now() - startedAt;
    await sleep(RETRY_MS);
  }
  return GIVE_UP_MS;
}

async function isPlaced(port: number, ca: string, review: Buffer): Promise<boolean> {
  try {
    const connection = await Connection.open(port, ca, review);
    const answer = JSON.parse((await connection.send()).toString()) as { response?: { patch?: string } };
    connection.close();
    return Buffer.from(answer.response?.patch ?? '', 'base64')
      .toString()
      .includes(PLACED);
  } catch {
    return false;
  }
}

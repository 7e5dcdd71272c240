import { readFile } from 'node:fs/promises';
import type { Json } from '@archpolicy/core';
import { isJsonObject } from '@archpolicy/core';
import { ROOT } from '../run.ts';
import { definedIds } from './promises.ts';

/** Returns the ids that docs/design.md defines. */
export async function readIds(): Promise<string[]> {
  return definedIds(await readFile(`${ROOT}docs/design.md`, 'utf8'));
}

/** Reads docs/promises.json: the ids that are not built yet, each with the issue that will build it. */
export async function readNotBuilt(): Promise<ReadonlyMap<string, string>> {
  const parsed = JSON.parse(await readFile(`${ROOT}docs/promises.json`, 'utf8')) as Json;
  const listed = isJsonObject(parsed) ? parsed['notBuilt'] : undefined;
  if (!isJsonObject(listed)) throw new Error('docs/promises.json: "notBuilt" must be an object of id to reason');
  return new Map(Object.entries(listed).map(([id, issue]) => [id, typeof issue === 'string' ? issue : 'no reason']));
}

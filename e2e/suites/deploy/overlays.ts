import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import type { JsonObject } from '@archpolicy/core';
import { renderKustomization } from '@archpolicy/e2e';
import { parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../../..');
const DEPLOY = join(ROOT, 'deploy');
const SCHEMAS = join(ROOT, 'e2e/schemas');
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/** All components below deploy/components, so that a new one is tested without a change here. */
export const COMPONENTS = readdirSync(join(DEPLOY, 'components'));

/** The overlays for real clusters. */
export const OVERLAYS = readdirSync(join(DEPLOY, 'overlays')).filter((name) => name !== 'local');

export interface Workload extends JsonObject {
  readonly kind: 'Deployment';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly template: {
      readonly metadata: JsonObject;
      readonly spec: JsonObject & { readonly containers: readonly { readonly image: string }[] };
    };
  };
}

/** Writes an overlay as a user would, with the production overlay as its base. Returns its folder. */
export async function writeOverlay(folder: string, name: string, settings: JsonObject): Promise<string> {
  const overlay = join(folder, name);
  await mkdir(overlay);
  const production = relative(overlay, join(DEPLOY, 'overlays/production'));
  const kustomization = { resources: [production], ...settings };
  await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
  return overlay;
}

/** Adds a component to the production overlay. */
export async function writeOverlayWith(folder: string, component: string): Promise<string> {
  const overlay = join(folder, component);
  const path = join(DEPLOY, 'components', component);
  const production = relative(overlay, join(DEPLOY, 'overlays/production'));
  // It requires an object that names the callers.
  const callers = component === 'network-policy' ? ['callers.yaml'] : [];
  // Production has it already.
  const components = component === 'redis' ? [] : [relative(overlay, path)];
  await writeOverlay(folder, component, { resources: [production, ...callers], components });
  for (const name of callers) await cp(join(path, 'callers.example.yaml'), join(overlay, name));
  return overlay;
}

export async function renderWorkloads(overlay: string): Promise<readonly Workload[]> {
  const objects = parseAllDocuments(await renderKustomization(overlay)).map(
    (document) => document.toJS() as Workload | { readonly kind: 'other' },
  );
  return objects.filter((object) => object.kind === 'Deployment');
}

/** A pod as the Deployment's controller would create it, but with a fixed name. */
export function toPod({ metadata, spec: { template } }: Workload): JsonObject {
  const pod = { ...template.metadata, name: metadata.name, namespace: metadata.namespace };
  return { apiVersion: 'v1', kind: 'Pod', metadata: pod, spec: template.spec };
}

/** Returns the files with the CustomResourceDefinitions of cert-manager, from its Go module that e2e/schemas/go.mod pins. */
export async function findCertManagerCrds(): Promise<readonly string[]> {
  const goMod = await readFile(join(SCHEMAS, 'go.mod'), 'utf8');
  const [, path = '', version = ''] = /require (\S+cert-manager) (\S+)/u.exec(goMod) ?? [];
  const download = ['mod', 'download', '-json', `${path}@${version}`];
  const { stdout } = await promisify(execFile)('go', download, { cwd: SCHEMAS, timeout: DOWNLOAD_TIMEOUT_MS });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  return ['certificates', 'issuers'].map((name) => join(Dir, `deploy/crds/cert-manager.io_${name}.yaml`));
}
